"""What the page's tests stand on: a box made of canned values that speaks the page's routes."""

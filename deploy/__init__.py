"""What puts the programs on machines: units, rules, and what a release is accompanied by."""

"""A name that people can say: three words made from the box's serial number.

Offline and stable: the same serial gives the same words for ever, so the lists below are never
reordered, shortened or mended. Two million names are enough to tell boxes in a street apart; what
identifies a box is its serial number.
"""

import hashlib

HOW = (
    "able amber ample apt azure bold brave breezy bright brisk broad calm candid careful cheery "
    "chief civil clean clear clever close coral cosy crisp curious daily dapper daring dawn "
    "deep deft dewy direct eager early earnest easy even exact fair faithful fast fine firm "
    "fleet fond frank free fresh full gentle glad gold good grand grateful green hale handy "
    "happy hardy hazel hearty honest humble ideal jolly jovial just keen kind large late level "
    "light lively long loyal lucid lucky lunar mellow merry mild modest neat new nimble noble "
    "north open opal patient pearl placid plain plucky polite prime proud pure quick quiet "
    "rapid ready rosy round royal rustic sage sandy serene sharp silent silver simple sincere "
    "sleek small smart smooth snug sober solid steady still sunny swift"
).split()
WHO = (
    "adder albatross alpaca antelope badger bat bear beaver bee beetle bison bittern blackbird "
    "boar bream bullfinch buzzard camel carp cat chaffinch chamois clam cod coot cormorant cow "
    "crab crane cricket crow cuckoo curlew deer dipper dog dolphin donkey dormouse dove duck "
    "dunlin eagle eel egret elk falcon fawn ferret finch firefly fox frog gannet gazelle gecko "
    "goat goose goshawk grebe grouse gull hamster hare hawk hedgehog heron herring hoopoe horse "
    "ibex ibis jackdaw jay kestrel kingfisher kite koala lamb lapwing lark lemming linnet lion "
    "lizard llama lobster lynx magpie marten merlin mink mole moose moth mouse newt nightingale "
    "ocelot orca oriole osprey otter owl ox oyster panda parrot partridge pelican penguin perch "
    "petrel pheasant pigeon pike plover pony puffin quail rabbit raven robin salmon seal shrew "
    "skylark snail"
).split()
WHERE = (
    "abbey acre alley arbour arch attic bank barn bay beach bluff bower bridge brook burrow "
    "cabin canal cape castle cave cellar chapel cliff clough coast copse corner cottage court "
    "cove creek croft dale dam delta den dike dock dune estuary farm fell fen ferry field fjord "
    "ford forest fort garden gate glade glen gorge grange grove gulf hall hamlet harbour haven "
    "heath hedge highland hill hollow house inlet island isthmus jetty kiln knoll lagoon lake "
    "lane ledge lighthouse loch lodge manor marsh meadow mere mill mine moat moor mound "
    "mountain nook oasis orchard palace park pass pasture path peak pier pine plain plateau "
    "pond pool port quarry quay ravine reef ridge river road rock shore sound spring steppe "
    "stream summit tarn terrace tower valley village vineyard wharf wood"
).split()


def three_words(serial: str) -> str:
    """The name of the box with this serial number, like "calm otter lagoon"."""
    drawn = hashlib.sha256(b"egret name 1\0" + serial.lower().encode()).digest()
    return " ".join(words[drawn[at] % len(words)] for at, words in enumerate((HOW, WHO, WHERE)))

"""The photographs for scoring, each of one main object that ImageNet's 1000 classes (nearly) cover.

Each was inspected by eye. A row is: picture | right names | nearly right names. An answer is right
if it contains a right name, so "cat" also accepts "tabby cat". No picture here is ever trained on;
data/prepare/tuxpaint.py skips the cut-outs.
"""

# From gcompris-qt-data: <activity>/<file>.
WHOLE = """
explore_farm_animals/cat | cat, kitten | Egyptian Mau
explore_farm_animals/chicken | chicken, hen | rooster, cock, bird
explore_farm_animals/cow | cow, cattle | ox, bull, calf
explore_farm_animals/dog | dog, German shepherd, Malinois | wolf
explore_farm_animals/duck | duck | goose, drake, swan, bird
explore_farm_animals/horse | horse | mare, foal
explore_farm_animals/owl | owl | bird
explore_farm_animals/pig | pig, piglet, hog | boar
explore_farm_animals/sheep | sheep, ram, lamb | goat
explore_world_animals/bison | bison, buffalo | ox, cattle
explore_world_animals/chameleon | chameleon | lizard, reptile, iguana, agama, anole
explore_world_animals/crocodile | crocodile | alligator, reptile, lizard
explore_world_animals/dragon | Komodo dragon, monitor lizard | lizard, reptile
explore_world_animals/hedgehog | hedgehog | porcupine, echidna
explore_world_animals/jaguar | jaguar | leopard, cheetah, cat
explore_world_animals/kangaroo | kangaroo, wallaby | marsupial
explore_world_animals/koala | koala | marsupial
explore_world_animals/lemur | lemur | indri
explore_world_animals/panda | panda | bear
explore_world_animals/polar_bear | polar bear, ice bear | bear
explore_world_animals/scarlet_macaw | macaw, parrot | bird, lorikeet
erase/alpaca | alpaca, llama | sheep, camel
erase/bee | bee | insect, fly, wasp
erase/butterfly | butterfly | insect, moth
erase/calf | calf, cow, cattle | ox
erase/camels | camel | llama
erase/chamaeleon | chameleon | lizard, reptile, iguana, agama, anole
erase/cheetah | cheetah | leopard, jaguar, cat
erase/crab | crab | lobster
erase/gibbon | gibbon | ape, monkey, siamang
erase/goat | goat | ibex, ram, sheep
erase/gorilla | gorilla | ape, chimpanzee, monkey
erase/gosling | gosling, goose | duck, duckling, chick, bird
erase/heron | heron | egret, crane, stork, bittern, bird
erase/horse | horse, pony | mare
erase/kitten | cat, kitten | Egyptian Mau
erase/long_nosed_monkey | monkey | ape, gibbon
erase/macaque | macaque, monkey | baboon, ape, langur
erase/meerkats | meerkat | mongoose
erase/northern_harrier | harrier, hawk, kite, bird of prey | eagle, falcon, vulture, bird, owl
erase/nubian_ibex | ibex, goat | deer, gazelle, impala, antelope
erase/penguin | penguin | bird
erase/red_panda | red panda | panda
erase/spoonbills | spoonbill | stork, egret, heron, crane, flamingo, bird
erase/squirrel | squirrel | rodent, chipmunk
erase/swans | swan | goose, duck, bird
erase/toucan | toucan, aracari | hornbill, bird
fishes/fish1 | angelfish, fish | coral reef
fishes/fish4 | perch, fish | tench, carp
fishes/fish9 | clownfish, anemone fish, fish | sea anemone
fishes/fish16 | fish | tench, carp
fishes/fish25 | goldfish, fish | carp
fishes/fish28 | pufferfish, puffer, fish | coral reef
monuments/IndiaGate | arch, gate | monument
monuments/arcDeTriomphe | arch, gate | monument, palace
monuments/brandenburgGate | gate, arch | monument, palace
monuments/cathedral | cathedral, church | monastery, palace, castle, tower
monuments/monument1 | mosque, dome, shrine | temple, palace
monuments/monument3 | church, cathedral | monastery, palace, castle
monuments/tajMahal | mosque, mausoleum, palace | dome, temple
monuments/zimniPalace | palace | castle, building, museum
germany/neuschwansteinCastle | castle, palace | monastery
germany/wormsCathedral | church, cathedral | monastery, castle
germany/berlinCathedral | church, cathedral, dome | palace, mosque
germany/schwerinPalace | palace, castle | monastery
france/chateaudeChambord | castle, palace, chateau | monastery
france/chateaudeChenonceau | castle, palace, chateau | monastery
france/citedeCarcassonne | castle, fortress | cliff dwelling, monastery, palace
france/pontduGard | viaduct, aqueduct, bridge | arch
france/reimsCathedral | church, cathedral | monastery, castle
india/greatStupa | stupa | dome, temple, shrine, mosque
india/mysorePalace | palace | castle, mosque
usa/navajo | cliff dwelling | cliff
usa/canyondeChelly | canyon, valley | cliff
others/baseball | baseball | ball, softball
others/bucket | bucket, pail | basket, barrel
others/buffetset | cup, teacup | saucer, coffee mug, bowl, espresso, plate
others/chair | chair | seat
others/cup | cup, teacup | coffee mug, saucer, bowl, teapot
others/erasers | eraser, rubber | pencil sharpener
others/pan | pan, skillet | wok, pot
others/pillow | pillow | cushion, quilt, bed
others/plate | plate | dish, bowl, tray
others/spoons | spoon | ladle, spatula, cutlery
others/volleyball | volleyball | ball
others/weighingMachine | scale | balance
renewable/dam1 | dam | waterfall
renewable/dam5 | dam | waterfall, geyser
renewable/geothermal | geyser, steam | volcano, hot spring
renewable/solar8 | solar panel, solar collector, solar thermal collector | roof
tools/hammer5 | hammer | hatchet, tool
tools/hammer8 | hammer | hatchet, mallet, tool
tools/screwDriver | screwdriver | tool
tools/screwDriver1 | screwdriver | tool
"""

# Photo cut-outs from tuxpaint-stamps-default, put on a plain studio background.
CUT_OUTS = """
animals/birds/ostrich | ostrich | bird, rhea, emu
animals/birds/pelican | pelican | bird, spoonbill, stork
animals/birds/peacock | peacock, peafowl | bird
animals/birds/pink_flamingo | flamingo | bird, spoonbill
animals/fish/lionfish | lionfish, fish | sea creature
animals/mammals/cats/tiger | tiger | cat
animals/mammals/elephant | elephant, tusker | mammoth
animals/mammals/equines/zebra | zebra | horse
animals/mammals/hippopotamus | hippopotamus, hippo | rhinoceros
food/fruit/banana | banana | fruit
food/fruit/lemon | lemon | fruit, orange, citrus
food/fruit/orange | orange | fruit, tangerine, lemon
food/fruit/pineapple | pineapple | fruit
food/fruit/Strawberry2 | strawberry | fruit, berry
food/vegetables/broccoli | broccoli | vegetable, cauliflower
food/vegetables/corn | corn, ear of corn | vegetable, ear of grain
hobbies/binoculars | binoculars | telescope
hobbies/camera_35mm | camera | lens cap, camera lens
hobbies/music/string/cello | cello | violin
hobbies/music/string/guitar2 | guitar | banjo, instrument
hobbies/music/wind/bassoon | bassoon | oboe, flute, instrument
household/dishes/teapot | teapot | coffeepot, pot, kettle
household/garbagecan | trash can, garbage can, bin | bucket, barrel
household/toilet | toilet, toilet seat | plunger
medical/stethoscope | stethoscope | headphones
sports/basketball | basketball | ball
sports/soccer | soccer ball, football | ball
sports/tennis_ball | tennis ball | ball
vehicles/auto/truck | pickup truck, pickup | truck
vehicles/auto/sportscar2 | convertible, sports car, car | racer
vehicles/cycle/pink_tricycle | tricycle | bicycle
vehicles/emergency/firetruck | fire truck, fire engine | truck
vehicles/flight/balloon360 | hot-air balloon, balloon | parachute
vehicles/flight/planes/747 | airliner, airplane, plane | aircraft, airship
vehicles/garbagetruck | garbage truck | truck, van
vehicles/race/indycar | race car, racing car, car | go-kart
"""

# From scikit-image: picture | right names | nearly right names.
SCIKIT_IMAGE = """
chelsea.png | cat, tabby | Egyptian Mau
coffee.png | coffee, espresso, cup | mug
rocket.jpg | rocket, missile | space shuttle
motorcycle_left.png | motorcycle, motorbike | moped, motor scooter
"""

# Their licenses and authors, from the docstrings of skimage.data.
SCIKIT_IMAGE_CREDITS = {
    "chelsea.png": ("CC0", "Stefan van der Walt"),
    "coffee.png": ("CC0", "Rachel Michetti"),
    "rocket.jpg": (
        "public domain",
        "SpaceX, https://www.flickr.com/photos/spacexphotos/16511594820",
    ),
    "motorcycle_left.png": ("not stated for this picture", "Middlebury stereo benchmark 2014"),
}

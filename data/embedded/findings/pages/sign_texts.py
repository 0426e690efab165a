"""What stands on signs, what it means and what it allows."""

# Rows divided by " / ", the meaning, and acts in two forms with whether they are allowed.
RULES = (
    ("NO SMOKING", "you must not smoke here", (("smoke", "smoking", False),)),
    ("NO PARKING / Private road", "you must not park here", (("park", "parking", False),)),
    (
        "NO ENTRY",
        "you must not enter",
        (("enter", "entering", False), ("go in", "going in", False)),
    ),
    ("NO DOGS ALLOWED", "dogs are not allowed", (("bring my dog", "bringing a dog", False),)),
    ("DOGS WELCOME", "dogs are welcome", (("bring my dog", "bringing a dog", True),)),
    ("NO SWIMMING / Strong current", "you must not swim here", (("swim", "swimming", False),)),
    (
        "Swimming permitted / 9 am to 6 pm",
        "you may swim from 9 am to 6 pm",
        (("swim", "swimming", True),),
    ),
    (
        "STAFF ONLY",
        "only staff may enter",
        (("enter", "entering", False), ("go in", "going in", False)),
    ),
    (
        "NO PHOTOGRAPHY",
        "you must not take photos",
        (("take photos", "taking photos", False), ("film", "filming", False)),
    ),
    (
        "Photography allowed / No flash",
        "you may take photos without flash",
        (("take photos", "taking photos", True), ("use a flash", "using a flash", False)),
    ),
    (
        "NO CYCLING",
        "you must not cycle here",
        (("cycle", "cycling", False), ("ride my bike", "riding a bike", False)),
    ),
    (
        "Keep off the grass",
        "you must not walk on the grass",
        (("walk on the grass", "walking on the grass", False),),
    ),
    ("FREE PARKING / 2 hours max", "you may park for two hours", (("park", "parking", True),)),
    (
        "Residents only / No through traffic",
        "only residents may drive through",
        (("drive through", "driving through", False),),
    ),
    (
        "NO FOOD OR DRINK",
        "you must not eat or drink here",
        (("eat", "eating", False), ("drink", "drinking", False)),
    ),
    (
        "Quiet please / No phone calls",
        "you should be quiet and not make phone calls",
        (("make a call", "phoning", False),),
    ),
    ("NO FISHING / Fish sanctuary", "you must not fish here", (("fish", "fishing", False),)),
    ("PLEASE DO NOT TOUCH", "you should not touch it", (("touch it", "touching it", False),)),
    (
        "NO CAMPING / No open fires",
        "you must not camp or light fires here",
        (("camp", "camping", False), ("light a fire", "a campfire", False)),
    ),
    (
        "Picnic area / Please take your litter home",
        "you may picnic here",
        (("have a picnic", "a picnic", True),),
    ),
    (
        "Helmets must be worn",
        "you must wear a helmet",
        (("go in without a helmet", "going in without a helmet", False),),
    ),
    ("Visitors must report to reception", "visitors have to go to reception first", ()),
    ("OPEN / Please come in", "it is open and you may come in", (("come in", "coming in", True),)),
    ("CLOSED / Back at 2 pm", "it is closed until 2 pm", (("come in", "coming in", False),)),
)


FORBIDDEN = (  # act, acting
    *(
        ("skate", "skating"),
        ("stand here with the car", "stopping"),
        ("fly a drone", "flying drones"),
    ),
    *(("feed the birds", "feeding birds"), ("pick flowers", "picking flowers"), ("dive", "diving")),
    *(("play ball", "ball games"), ("drink alcohol", "drinking alcohol"), ("loiter", "loitering")),
    *(
        ("camp overnight", "overnight camping"),
        ("light a barbecue", "barbecues"),
        ("hunt", "hunting"),
    ),
    *(("park my truck", "truck parking"), ("sell things", "selling"), ("climb up", "climbing")),
    *(("put up posters", "posting bills"), ("dump trash", "dumping"), ("run", "running")),
    *(
        ("ride a horse", "horse riding"),
        ("use my phone", "phone calls"),
        ("turn around", "U-turns"),
    ),
)
WARNINGS = (
    *(("CAUTION / Wet floor", "a wet floor"), ("DANGER / High voltage", "high voltage")),
    *(("BEWARE OF THE DOG", "a dog"), ("WARNING / Falling rocks", "falling rocks")),
    *(("Mind the step", "a step"), ("DANGER / Thin ice", "thin ice")),
    *(("CAUTION / Hot surface", "a hot surface"), ("Slippery when wet", "a slippery road")),
    *(("Children crossing / Slow down", "children who cross"), ("Mind your head", "a low ceiling")),
    *(("DANGER / Deep water", "deep water"), ("WARNING / Toxic fumes", "toxic fumes")),
    *(("Road works ahead", "road works"), ("Deer crossing", "deer that cross")),
    *(("CAUTION / Forklift traffic", "forklifts"), ("DANGER / Explosives", "explosives")),
)


FOREIGN = (  # language, rows, meaning
    *(("German", "Eingang", "the entrance"), ("German", "Ausgang", "the exit")),
    *(("German", "Bitte nicht rauchen", "that you should not smoke"),),
    *(
        ("German", "Vorsicht Stufe", "a step"),
        ("German", "Heute geschlossen", "that it is closed today"),
    ),
    *(
        ("French", "Sortie de secours", "the emergency exit"),
        ("French", "Entr\u00e9e libre", "free entry"),
    ),
    *(
        ("French", "D\u00e9fense de fumer", "that smoking is forbidden"),
        ("French", "Ferm\u00e9 le lundi", "that it is closed on Monday"),
    ),
    *(
        ("Spanish", "Prohibido el paso", "no entry"),
        ("Spanish", "Abierto todos los d\u00edas", "that it is open every day"),
    ),
    *(
        ("Spanish", "Cuidado con el perro", "to beware of the dog"),
        ("Spanish", "Salida", "the exit"),
    ),
    *(
        ("Italian", "Vietato fumare", "that smoking is forbidden"),
        ("Italian", "Uscita", "the exit"),
    ),
    *(
        ("Italian", "Chiuso per ferie", "that it is closed for holidays"),
        ("Italian", "Attenti al cane", "to beware of the dog"),
    ),
    *(
        ("Dutch", "Verboden toegang", "no entry"),
        ("Dutch", "Alleen voor fietsers", "only for cyclists"),
    ),
    *(
        ("Portuguese", "Proibido estacionar", "no parking"),
        ("Portuguese", "Sa\u00edda de emerg\u00eancia", "the emergency exit"),
    ),
)

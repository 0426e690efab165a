"""Named objects from two free emoji sets, Microsoft's Fluent 3D (MIT) and Google's (Apache-2.0).

Emoji have names, but not always the everyday ones ("hocho", "8ball", "mans_shoe"). The tables below
correct them; emoji that cannot be named by their look (signs, most faces, fine variants) are
skipped. Several emoji may share one name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

# Emoji subcategory -> everyday word for it; other subcategories are skipped.
CATEGORIES = {
    "animal-mammal": "animal", "animal-bird": "bird", "animal-amphibian": "animal",
    "animal-reptile": "reptile", "animal-marine": "sea animal", "animal-bug": "bug",
    "plant-flower": "flower", "plant-other": "plant", "food-fruit": "fruit",
    "food-vegetable": "vegetable", "food-prepared": "food", "food-asian": "food",
    "food-sweet": "sweet", "drink": "drink", "dishware": "dishes", "place-map": "map",
    "place-geographic": "place", "place-building": "building", "place-religious": "building",
    "place-other": "place", "transport-ground": "vehicle", "transport-water": "ship",
    "transport-air": "aircraft", "hotel": "object", "time": "clock", "sky & weather": "sky",
    "event": "decoration", "award-medal": "award", "sport": "sports gear", "game": "toy",
    "arts & crafts": "craft", "clothing": "clothing", "sound": "object", "music": "music",
    "musical-instrument": "instrument", "phone": "device", "computer": "device",
    "light & video": "device", "book-paper": "paper", "money": "money", "mail": "mail",
    "writing": "stationery", "office": "stationery", "lock": "object", "tool": "tool",
    "science": "science", "medical": "medical", "household": "household", "other-object": "object",
    "body-parts": "body part", "person": "person", "person-role": "person",
    "person-fantasy": "person", "person-sport": "person", "heart": "shape", "geometric": "shape",
    "face-costume": "toy", "face-negative": "object", "transport-sign": "sign", "warning": "sign",
}  # fmt: skip

# Only the listed short names of these subcategories are used.
_ONLY = {
    "person": "baby boy girl man woman older_man older_woman bearded_person",
    "face-costume": "clown_face ghost alien robot_face space_invader",
    "face-negative": "skull",
    "heart": (
        "love_letter cupid broken_heart heart orange_heart yellow_heart green_heart blue_heart "
        "purple_heart brown_heart black_heart white_heart pink_heart light_blue_heart "
        "grey_heart gift_heart"
    ),
    "geometric": (
        "red_circle large_orange_circle large_yellow_circle large_green_circle "
        "large_blue_circle large_purple_circle large_brown_circle black_circle white_circle "
        "large_red_square large_orange_square large_yellow_square large_green_square "
        "large_blue_square large_purple_square large_brown_square black_large_square "
        "white_large_square large_orange_diamond large_blue_diamond small_red_triangle"
    ),
    "transport-sign": "wheelchair",
    "warning": "warning no_entry no_smoking no_bicycles radioactive_sign biohazard_sign",
    "person-sport": (
        "fencer horse_racing skier snowboarder golfer surfer rowboat swimmer weight_lifter "
        "bicyclist juggling wrestlers"
    ),
}

_DROP_WORDS = """
pig_nose globe_with_meridians japan national_park love_hotel wedding kaaba foggy hotsprings
motorway station busstop wheel_of_dharma knot flower_playing_cards mahjong spades hearts
diamonds clubs rosette reminder_ribbon tanabata_tree bamboo rice_scene flags womans_clothes
hair_pick musical_score notes level_slider calling pager fax minidisc trackball film_frames
bookmark_tabs bookmark label ledger money_with_wings chart email e-mail incoming_envelope
envelope_with_arrow outbox_tray inbox_tray card_index card_index_dividers card_file_box
lock_with_ink_pen closed_lock_with_key hammer_and_pick hammer_and_wrench probing_cane link
broken_chain smoking funeral_urn nazar_amulet hamsa placard identification_card mute sound
loud_sound no_bell wilted_flower leaves herb cyclone wind_blowing_face fog zap sparkles
new_moon_with_face first_quarter_moon_with_face last_quarter_moon_with_face
full_moon_with_face new_moon waxing_crescent_moon waning_crescent_moon moon first_quarter_moon
last_quarter_moon waning_gibbous_moon mostly_sunny barely_sunny partly_sunny_rain stars dizzy
oden fish_cake sake mate_drink pouring_liquid performing_arts compression seat
suspension_railway airplane_departure airplane_arriving low_battery department_store
european_post_office dodo ticket rice_cracker tamale beverage_box tumbler_glass biting_lip
control_knobs sari prayer_beads sleuth_or_spy mx_claus breast-feeding pregnant_man
pregnant_person woman_feeding_baby man_feeding_baby person_feeding_baby man_with_turban
man-wearing-turban woman-wearing-turban man_with_gua_pi_mao person_with_headscarf
man_with_veil woman_with_veil person_in_tuxedo woman_in_tuxedo ear_with_hearing_aid
office_worker male-office-worker female-office-worker technologist male-technologist
female-technologist supervillain male_supervillain female_supervillain fallen_leaf
house_buildings hotel rolled_up_newspaper empty_nest partly_sunny playground_slide teacher
male-teacher female-teacher student factory_worker male-factory-worker female-factory-worker
troll scientist male-scientist female-scientist sunrise_over_mountains city_sunset
city_sunrise splatter shallow_pan_of_food stuffed_flatbread flatbread satellite_antenna star2
restroom clapper_board date mountain_cableway metro light_rail trolleybus mountain_railway
"""
_DROP = set(_DROP_WORDS.split())

# Short name -> everyday name; other names are the short name with spaces.
_RENAME_TABLE = """
    guide_dog=dog; service_dog=dog; racehorse=horse; dromedary_camel=camel; unicorn_face=unicorn;
    mouse_trap=mousetrap; feet=paw prints; baby_chick=chick; hatching_chick=chick;
    hatched_chick=chick; dove_of_peace=dove; black_bird=blackbird; t-rex=dinosaur;
    sauropod=dinosaur; blowfish=pufferfish; shell=seashell; bug=caterpillar; microbe=germ;
    evergreen_tree=fir tree; deciduous_tree=tree; leafless_tree=bare tree;
    four_leaf_clover=four-leaf clover; nest_with_eggs=nest; tangerine=orange; apple=red apple;
    kiwifruit=kiwi; hot_pepper=chili pepper; leafy_green=lettuce; ginger_root=ginger;
    pea_pod=peas; root_vegetable=beet; brown_mushroom=mushroom; baguette_bread=baguette;
    cheese_wedge=cheese; meat_on_bone=meat; poultry_leg=chicken leg; cut_of_meat=steak;
    fries=french fries; hotdog=hot dog; green_salad=salad; salt=salt shaker; canned_food=tin can;
    bento=lunch box; rice=bowl of rice; ramen=bowl of noodles; icecream=ice cream cone;
    ice_cream=bowl of ice cream; birthday=birthday cake; cake=piece of cake; custard=pudding;
    honey_pot=pot of honey; coffee=cup of coffee; tea=cup of tea; champagne=bottle of champagne;
    tropical_drink=cocktail; beer=mug of beer; beers=mugs of beer;
    clinking_glasses=champagne glasses; cup_with_straw=cup with a straw;
    knife_fork_plate=plate with fork and knife; hocho=kitchen knife; amphora=vase;
    earth_africa=globe; earth_americas=globe; earth_asia=globe; world_map=map; camping=campsite;
    snow_capped_mountain=snowy mountain; mount_fuji=snowy mountain;
    beach_with_umbrella=beach umbrella; classical_building=temple; building_construction=crane;
    wood=log; derelict_house_building=ruined house; house_with_garden=house;
    office=office building; convenience_store=shop; japanese_castle=castle;
    european_castle=castle; tokyo_tower=tower; hindu_temple=temple; shinto_shrine=shrine;
    night_with_stars=city at night; bridge_at_night=bridge; carousel_horse=carousel;
    barber=barber pole; railway_car=train car; bullettrain_side=high-speed train;
    bullettrain_front=high-speed train; train2=train; train=tram; oncoming_bus=bus;
    fire_engine=fire truck; oncoming_police_car=police car; oncoming_taxi=taxi;
    oncoming_automobile=car; blue_car=van; articulated_lorry=truck; racing_car=race car;
    racing_motorcycle=motorcycle; motor_scooter=scooter; manual_wheelchair=wheelchair;
    motorized_wheelchair=wheelchair; wheelchair=wheelchair sign; auto_rickshaw=rickshaw;
    bike=bicycle; scooter=kick scooter; oil_drum=barrel; fuelpump=gas pump; rotating_light=siren;
    vertical_traffic_light=traffic light; octagonal_sign=stop sign; construction=road barrier;
    ring_buoy=lifebuoy; boat=sailboat; speedboat=motorboat; motor_boat=motorboat;
    passenger_ship=cruise ship; small_airplane=airplane; aerial_tramway=cable car;
    bellhop_bell=bell; luggage=suitcase; hourglass_flowing_sand=hourglass; timer_clock=timer;
    mantelpiece_clock=clock; sunny=sun; sun_with_face=sun; ringed_planet=planet;
    milky_way=night sky; thunder_cloud_and_rain=thundercloud; lightning=thundercloud;
    closed_umbrella=umbrella; umbrella_with_rain_drops=umbrella;
    umbrella_on_ground=beach umbrella; snowman_without_snow=snowman; fire=flame;
    droplet=drop of water; ocean=wave; jack_o_lantern=pumpkin lantern;
    christmas_tree=Christmas tree; tada=party popper; confetti_ball=confetti; gift=present;
    admission_tickets=tickets; sports_medal=medal; first_place_medal=gold medal;
    second_place_medal=silver medal; third_place_medal=bronze medal; soccer=soccer ball;
    rugby_football=rugby ball; tennis=tennis racket; flying_disc=frisbee; bowling=bowling ball;
    cricket_bat_and_ball=cricket bat; field_hockey_stick_and_ball=hockey stick;
    ice_hockey_stick_and_puck=hockey stick; lacrosse=lacrosse stick;
    table_tennis_paddle_and_ball=table tennis paddle;
    badminton_racquet_and_shuttlecock=badminton racket; martial_arts_uniform=martial arts suit;
    goal_net=goal; golf=golf flag; fishing_pole_and_fish=fishing rod;
    running_shirt_with_sash=running shirt; ski=skis; dart=target; gun=water pistol;
    8ball=billiard ball; video_game=game controller; game_die=die; jigsaw=puzzle piece;
    mirror_ball=disco ball; black_joker=playing card; frame_with_picture=picture frame;
    art=paint palette; thread=spool of thread; sewing_needle=needle; yarn=ball of yarn;
    eyeglasses=glasses; dark_sunglasses=sunglasses; necktie=tie; shirt=T-shirt;
    one-piece_swimsuit=swimsuit; folding_hand_fan=hand fan; school_satchel=backpack;
    thong_sandal=flip-flop; mans_shoe=shoe; athletic_shoe=sneaker; womans_flat_shoe=flat shoe;
    high_heel=high-heeled shoe; womans_hat=sun hat; tophat=top hat; mortar_board=graduation cap;
    billed_cap=cap; military_helmet=helmet; helmet_with_white_cross=helmet; gem=diamond;
    mega=megaphone; postal_horn=horn; studio_microphone=microphone;
    musical_keyboard=piano keyboard; drum_with_drumsticks=drum; long_drum=drum; iphone=phone;
    phone=telephone; electric_plug=plug; computer=laptop; desktop_computer=computer screen;
    three_button_mouse=computer mouse; cd=CD; dvd=DVD; clapper=clapperboard; tv=television;
    camera_with_flash=camera; vhs=videotape; mag=magnifying glass; mag_right=magnifying glass;
    bulb=light bulb; izakaya_lantern=lantern; diya_lamp=oil lamp;
    notebook_with_decorative_cover=notebook; closed_book=book; book=open book;
    page_with_curl=page; page_facing_up=page; moneybag=bag of money; yen=banknotes;
    dollar=banknotes; euro=banknotes; pound=banknotes; package=cardboard box;
    mailbox_closed=mailbox; mailbox_with_mail=mailbox; mailbox_with_no_mail=mailbox;
    postbox=post box; ballot_box_with_ballot=ballot box; pencil2=pencil; black_nib=pen nib;
    lower_left_fountain_pen=fountain pen; lower_left_ballpoint_pen=pen;
    lower_left_paintbrush=paintbrush; lower_left_crayon=crayon; memo=note; file_folder=folder;
    open_file_folder=folder; spiral_note_pad=notepad; spiral_calendar_pad=calendar;
    chart_with_upwards_trend=line chart; chart_with_downwards_trend=line chart;
    round_pushpin=pushpin; linked_paperclips=paperclips; straight_ruler=ruler;
    triangular_ruler=set square; file_cabinet=filing cabinet; wastebasket=trash can; lock=padlock;
    unlock=open padlock; pick=pickaxe; dagger_knife=dagger; crossed_swords=swords;
    carpentry_saw=saw; chains=chain; alembic=flask; scales=scale; adhesive_bandage=bandage;
    x-ray=X-ray; couch_and_lamp=sofa; roll_of_paper=toilet paper; soap=bar of soap;
    shopping_trolley=shopping cart; headstone=gravestone; moyai=stone statue; muscle=arm;
    mechanical_arm=robot arm; mechanical_leg=robot leg; anatomical_heart=heart organ;
    older_man=old man; older_woman=old woman; bearded_person=bearded man; health_worker=doctor;
    male-doctor=doctor; female-doctor=doctor; cop=police officer;
    male-police-officer=police officer; female-police-officer=police officer;
    male-student=graduate; female-student=graduate; guardsman=guard; person_with_crown=prince;
    man_in_tuxedo=groom; bride_with_veil=bride; santa=Santa Claus; mrs_claus=Mrs. Claus;
    mage=wizard; merperson=mermaid; horse_racing=jockey; weight_lifter=weightlifter;
    bicyclist=cyclist; rowboat=rower; juggling=juggler; clown_face=clown; robot_face=robot;
    cupid=heart with an arrow; heart=red heart; gift_heart=heart with a ribbon;
    grey_heart=gray heart; small_red_triangle=red triangle; black_large_square=black square;
    white_large_square=white square; warning=warning sign; no_entry=no entry sign;
    no_smoking=no smoking sign; no_bicycles=no bicycles sign; school_building=school;
    closed_mailbox=mailbox; no_pedestrians=no pedestrians sign
"""
_RENAME = dict(pair.strip().split("=") for pair in _RENAME_TABLE.split(";"))


def emoji_pictures(fluent: Path, google: Path) -> Iterator[tuple[str, str, str, Path]]:
    """Yields (name, category, set, file) of every nameable emoji of the two unpacked packages."""
    entries = json.loads((google / "package" / "emoji.json").read_text(encoding="utf-8"))
    for entry in sorted(entries, key=lambda entry: entry["sort_order"]):
        name = everyday_name(entry["short_name"], entry["subcategory"])
        if name is None:
            continue
        category = CATEGORIES[entry["subcategory"]]
        for folder, ending, label in (
            (fluent / "package" / "assets", ".webp", "fluent"),
            (google / "package" / "img" / "google" / "64", ".png", "google"),
        ):
            for code in _spellings(entry["unified"].lower()):
                if (folder / (code + ending)).exists():
                    yield name, category, label, folder / (code + ending)
                    break


def everyday_name(short_name: str, subcategory: str) -> str | None:
    """Returns the everyday name of an emoji; None if it is skipped."""
    if subcategory not in CATEGORIES or short_name in _DROP or re.match(r"clock\d", short_name):
        return None
    if subcategory in _ONLY and short_name not in _ONLY[subcategory].split():
        return None
    if short_name in _RENAME:
        return _RENAME[short_name]
    name = re.sub(r"^(large|small|male|female)[_-]", "", short_name)  # "male-pilot" is a pilot
    name = (
        re.sub(r"2$|[_ ]face$", "", name).replace("_", " ").replace("-worker", " worker")
    )  # "dog2" is a dog
    return {"mage": "wizard", "dna": "DNA", "statue of liberty": "Statue of Liberty"}.get(
        name, name
    )


def _spellings(code: str) -> tuple[str, ...]:
    """Possible file names of a code: the two sets treat the variation selector fe0f differently."""
    return code, code.replace("-fe0f", ""), code + "-fe0f"

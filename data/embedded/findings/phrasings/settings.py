"""The phrasings of questions about places and buildings; a star keeps one for scoring."""

from data.embedded.findings.draw import read_wording

SETTINGS = read_wording("""
describe
    [Describe|Please describe|Explain] [the {pic}|this {pic}|what you see] [for me|briefly|].
    What [does the {pic} show|is shown here|can be seen]?
    What [do you see|is there] [in this {pic}|here|]?
    [Tell me|Say] what [the {pic} shows|is in this {pic}|you see].
    What's in [the {pic}|this {pic}]?
    * Put this {pic} into words.
name
    [Which|What] [building|place|structure] is [this|that|it]?
    What [is this|am I looking at|could this be]?
    What [stands|can be seen] [there|on the hill|in the background|behind them|by the water]?
    What [kind|type] of building is [it|that]?
    * What would you call this place?
place
    [Where do you think|Where would you say] this [is|was taken]?
    What [kind|sort|type] of [place|scene|location|room] is [this|it|that]?
    Where [is this|are we|could this be|did they take this]?
    Where was [the {pic}|it|this one] [taken|shot]?
    What is the setting [of the {pic}|]?
    where is that
    * In what surroundings are we?
either
    Is [this|it|he|she] {a} or {b}?
    Where [is he|is she|was that], {a} or {b}?
    [Where is this|Where are they|Where are we], {a} or {b}?
    [Was this taken|Are we|Are they] {a} or {b}?
    * What fits better: {a} or {b}?
color
    What color [is|has] the {x}?
    Which color is the {x} [in the {pic}|there|]?
    What's the color of the {x}?
    * In which color is the {x} painted?
exact
    Which [city|country|town|region|continent] is [it|that|shown here]?
    [Exactly where|In which country] [is this|was this taken]?
    What is the [name|address] of [this place|the place|the building]?
    [How old|How tall|How deep|How famous] is [it|this place]?
    Who [built|lives in|owns] [it|this|this place]?
    When was [it|this] built?
    * Give me the exact location.
weather
    [How is|What is] the weather[ like|] [in the {pic}|there|]?
    [Is it|Was it] [raining|warm|cold|windy] [there|that day|]?
    What time of day is it?
    [Which|What] season [is it|was it] [there|]?
    * Is the sun out?
flying
    What [is that thing|is that|flies] [in the sky|up there|in the air]?
    [Is anything|Do you see anything] [in the sky|up there|flying]?
    * What is it that flies there?
indoors
    Is [it|this] [indoors or outdoors|outside or inside|inside or outside]?
    [Are we|Was this taken] [indoors|inside] or [outdoors|outside]?
    * Indoors or out?
""")

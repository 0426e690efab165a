"""The phrasings of questions about receipts, letters, forms and posters (see questions_pages)."""

DOCUMENTS = """
total
    [What is|What's] the total?
    How much [is it|was it|did I pay|was paid|do I have to pay|is due] [in total|altogether|]?
    [What is the|Which] [amount|sum] [to pay|due|in total]?
    How much did [this|it all|everything] cost?
    What does it come to?
    Total amount?
    Wie hoch ist [der Betrag|die Summe]?
    ¿Cuánto hay que pagar?
    Combien faut-il payer?
    what's the total amount?
    [Tell me|Give me] the [total|final amount].
    * How much money was spent [overall|here]?
    * What do I owe?
price
    How much is the {x}?
    What does the {x} cost?
    What is the price of the {x}?
    [How much|What] [did|do] [I|we|they] pay for the {x}?
    Price of {x}?
    How much for the {x}?
    What's the {x}?  How much, I mean?
    How [expensive|much] is {x}?
    * What do they charge for the {x}?
    * What must I pay for {x}?
also price
    [And|OK, and|Now] the {x}, how much is it?
    [And how much|And what] does the {x} cost?
    And the {x}?
    What about the {x}?
    And how much is the {x}?
    * The {x} too?
num items
    How many [different items|articles|goods|positions] [do you see|does it list|did they buy]?
    How many items [are there|were bought|are on it|are listed]?
    How many things [were bought|did I buy|are on the list]?
    * Count the [items|positions].
items
    What [did they buy|has been bought|was ordered]?
    [Tell me|Show me] what [was bought|is listed].
    What [was bought|did I buy|items are listed|is on the list]?
    [List|Name] the items.
    Which [things|items] are on it?
    * What goods does it list?
dearest
    [What|Which item] was the [dearest|priciest one]?
    What did [I|they] pay the most for?
    What is the most expensive [item|thing] [on it|]?
    Which [item|thing] costs the most?
    * What was the priciest item?
cheapest
    What did [I|they] pay the least for?
    [What|Which item] has the lowest price?
    What is the cheapest [item|thing] [on it|]?
    Which [item|thing] costs the least?
    * What was the lowest priced item?
tax
    What [amount of|] [VAT|tax] [does it show|is on it|do I pay]?
    How much [tax|VAT] [is there|was paid|is included]?
    What is the [tax|VAT]?
    * What part of it is tax?
net
    What is the [net amount|net sum|sum without tax|amount before tax]?
    How much is it [without|before] [tax|VAT]?
    * What remains when the tax is taken off?
applicant
    [Who is|What is the name of] the [applicant|person who applies|signer]?
    [Who filled in|Whose is|Who signed] [the form|this form|it]?
    * Which person applies here?
dose
    How [many|much] [tablets|of it|pills|of these] [should|can|may|must] I take [a day|]?
    What is the [right|daily] dose [for me|for a child|for an adult|]?
    [Can|May|Should] [I|my child] take [it|this|two of them]?
    * Is it safe to take more of it?
country
    Which country [issued|made|released] [it|this|the document|this report]?
    [From which|Of which] country is [it|this|the report|the document]?
    [Which|What] [authority|agency|ministry] is it from?
    * What state is behind this document?
reward
    [How high|How much|What] is the [reward|fee|deposit|fine]?
    Is [a reward|any money] offered?
    * What does the finder get?
room
    How much is a [room|night|table|double room]?
    What does a [room|night|table|double room] cost?
    What do they charge [for a room|per night|for parking]?
    Is there a [price|discount]?
    * What would one night cost?
facility
    [Does it|Does this place|Do they] have [a pool|a parking lot|free wifi|an elevator|rooms]?
    [Is there|Do they offer] [breakfast|a sauna|a playground|a terrace|delivery]?
    Are [dogs|children|credit cards] welcome [there|]?
    * Can one get lunch there?
pictures
    [What|Which] [things|people|photos|pictures] are [in the pictures|shown] on [this|the] page?
    What do the [pictures|photos|drawings] on the page show?
    [Describe|Explain] the [figure|drawing|photo|picture] on [this|the] page.
    * Which illustration is there?
chart kind
    [Is it|Is this] a [bar chart|pie chart|line chart]?
    What [type|sort|form] of [chart|diagram|graph] [is it|do you see|is that]?
    Which kind of [graph|diagram] [is this|is shown]?
    * What do you call such a diagram?
paid how
    Did [I|they] pay [cash|by card|with cash or card]?
    How [was it|did I|was this] [paid|pay]?
    [Cash or card|Was it paid in cash or by card]?
    * By what means was it paid?
date
    [Which|What] [date|day] is [it|shown|given] [on the screen|on the display|there|here]?
    [What is the date|What's the date|Which date] [on it|of this|]?
    When [was this|was it|is it] [written|issued|made|from|dated]?
    [From which|Of which] [day|date] is [it|this]?
    What date [is on it|does it have|is given]?
    Date?
    * What day does this carry?
event date
    When [is it|does it take place|is the event|does it happen]?
    [On which|What] [day|date] [is it|is the event]?
    * For when is it announced?
time
    [When|What time] [should I be there|does it begin|is the start]?
    [At what time|When|What time] does it [start|begin]?
    What time is [it|the event|that]?
    * From what hour?
due
    [By when|Until when|When] [must|should|do] [it be paid|I pay|I have to pay]?
    What is the [due date|deadline|payment date]?
    * What is the last day to pay?
until
    Until when [is it|are they|is that] [open|valid|good]?
    When does it [close|expire|end]?
    What is the expiry date?
    Best before?
    * Till when does it hold?
number
    [Give me|I need] the {what} number.
    {what} number?
    What is the [{what} number|number of the {what}]?
    Which [{what} number|number] [is on it|does it have]?
    [Read|Tell me] the {what} number.
    * What number does the {what} carry?
shop
    [Which|What] [shop|store|company|place] is [it|this] [from|]?
    What is the [shop|store|company|restaurant|place] called?
    What is the name of the [shop|store|company|place]?
    Where [was this bought|is this from]?
    Who [issued|sent] [it|this]?
    * Name the [company|business].
from
    [Whose letter is this|Who is writing]?
    Who is [it|this|the letter|the message] from?
    Who [wrote|sent|signed] [it|this]?
    Who is the [sender|author|writer]?
    * By whom was it [signed|written]?
to
    [Whom is it for|Who was it sent to]?
    Who is [it|this] [for|to|addressed to]?
    [To whom|Who] is it [addressed|sent to]?
    Who [is the recipient|should receive this|gets this]?
    * Whose name is it made out to?
subject
    What [does he|do they|does she] write about?
    What is the [letter|message|mail] about?
    [Why did they write|What do they want]?
    What is the [subject|topic|matter]?
    What is it [regarding|concerning]?
    * What does the subject line say?
address
    What [is the|is their|is his] address?
    Where [is it|are they|is the office|do they live] [located|]?
    [On which|In which|Which] street [is it|]?
    * Where can they be found?
phone
    What is the [phone number|telephone number|phone]?
    [Which|What] number [can I call|is given|do I dial]?
    [How|Where] can I [call|phone|ring] them?
    Is there a phone number?
    Phone number?
    * At which number can they be reached?
email
    [Give me|Read] the [e-mail|email] address.
    What [e-mail|email|mail address] does [it|he|she] give?
    What is the [e-mail|email] address?
    [Where|To which address] can I [write an email|mail them]?
    Email?
    * Which mail address is given?
web
    What is the [website|web address|URL]?
    Which [site|website] is [given|named]?
    * Where can one look online?
where
    Where [is it|does it take place|is the event] [held|]?
    [At which|Which] [place|venue] [is it|]?
    * In what place will it be?
entry
    How much is [a ticket|the entry|admission|it]?
    What does [a ticket|the entry|admission|it] cost?
    [What|How much] do I pay to get in?
    * What is charged at the door?
job
    What is [the|her|his] [job|position|title]?
    [What does|Which job does] [he|she|the person] do?
    * What is the profession?
field
    What is the {field} [on it|]?
    What is [given|entered|written] [for|as|under] {field}?
    {field}?
    * Tell me the entry for {field}.
filled
    Did [they|someone|he|she] [fill in|give|write] [the|a] {field}?
    Is there [anything|something|an entry] [in|for|under] {field}?
    Is the {field} filled in?
    Has anyone [entered|filled in] the {field}?
    * Did somebody complete the {field}?
"""

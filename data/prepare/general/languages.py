"""Small talk and words in German, Spanish, French, Italian and Portuguese."""

from pathlib import Path

# Language | what somebody writes | answers in the same language.
SMALL_TALK = Path(__file__).with_name("small_talk.txt").read_text(encoding="utf-8")
LANGUAGES = ("German", "Spanish", "French", "Italian", "Portuguese")
# English: German, Spanish, French, Italian, Portuguese.
WORDS = """
water: Wasser, agua, eau, acqua, \u00e1gua
bread: Brot, pan, pain, pane, p\u00e3o
milk: Milch, leche, lait, latte, leite
house: Haus, casa, maison, casa, casa
dog: Hund, perro, chien, cane, c\u00e3o
cat: Katze, gato, chat, gatto, gato
book: Buch, libro, livre, libro, livro
tree: Baum, \u00e1rbol, arbre, albero, \u00e1rvore
sun: Sonne, sol, soleil, sole, sol
moon: Mond, luna, lune, luna, lua
friend: Freund, amigo, ami, amico, amigo
mother: Mutter, madre, m\u00e8re, madre, m\u00e3e
father: Vater, padre, p\u00e8re, padre, pai
brother: Bruder, hermano, fr\u00e8re, fratello, irm\u00e3o
sister: Schwester, hermana, s\u0153ur, sorella, irm\u00e3
apple: Apfel, manzana, pomme, mela, ma\u00e7\u00e3
cheese: K\u00e4se, queso, fromage, formaggio, queijo
fish: Fisch, pez, poisson, pesce, peixe
bird: Vogel, p\u00e1jaro, oiseau, uccello, p\u00e1ssaro
city: Stadt, ciudad, ville, citt\u00e0, cidade
street: Stra\u00dfe, calle, rue, strada, rua
school: Schule, escuela, \u00e9cole, scuola, escola
day: Tag, d\u00eda, jour, giorno, dia
night: Nacht, noche, nuit, notte, noite
year: Jahr, a\u00f1o, an, anno, ano
table: Tisch, mesa, table, tavolo, mesa
chair: Stuhl, silla, chaise, sedia, cadeira
window: Fenster, ventana, fen\u00eatre, finestra, janela
door: T\u00fcr, puerta, porte, porta, porta
red: rot, rojo, rouge, rosso, vermelho
blue: blau, azul, bleu, blu, azul
green: gr\u00fcn, verde, vert, verde, verde
white: wei\u00df, blanco, blanc, bianco, branco
black: schwarz, negro, noir, nero, preto
one: eins, uno, un, uno, um
two: zwei, dos, deux, due, dois
three: drei, tres, trois, tre, tr\u00eas
ten: zehn, diez, dix, dieci, dez
yes: ja, s\u00ed, oui, s\u00ec, sim
no: nein, no, non, no, n\u00e3o
please: bitte, por favor, s'il vous pla\u00eet, per favore, por favor
thank you: danke, gracias, merci, grazie, obrigado
good morning: guten Morgen, buenos d\u00edas, bonjour, buongiorno, bom dia
good night: gute Nacht, buenas noches, bonne nuit, buona notte, boa noite
goodbye: auf Wiedersehen, adi\u00f3s, au revoir, arrivederci, adeus
train: Zug, tren, train, treno, comboio
flower: Blume, flor, fleur, fiore, flor
heart: Herz, coraz\u00f3n, c\u0153ur, cuore, cora\u00e7\u00e3o
"""
TO_LANGUAGE = (
    'How do you say "{w}" in {l}?',
    "What is '{w}' in {l}?",
    'Translate "{w}" into {l}.',
    "{w} in {l}?",
)
TO_ENGLISH = (
    'What does "{f}" mean in English?',
    'Translate the {l} word "{f}".',
    'What is "{f}" in English?',
)

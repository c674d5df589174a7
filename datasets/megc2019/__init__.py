"""The MEGC 2019 composite of SMIC, CASME II and SAMM: official counts, clip names and truth lists."""

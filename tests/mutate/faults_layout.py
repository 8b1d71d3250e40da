"""Faults of how an item lies in memory."""

RECORD = "src/store/record.c"

LAYOUT_FAULTS = [
    ("layout: a stamp that is too narrow wraps", RECORD,
     "                 accessed_s - seg->base_s > UINT16_MAX))", "                 false))"),
    ("layout: a get notes no late access", "src/store/lookup.c",
     "    head.accessed_s = store->now_s;\n    new = rewrite", "    new = rewrite"),
    ("layout: a CAS that is too narrow wraps", RECORD,
     "    return code == CAS_NONE || code >= cas_code(seg, cas);", "    return true;"),
    ("layout: a CAS of 4 bytes has another base", RECORD,
     "    case CAS_4: return seg->base_cas - REC_CAS_4_BELOW + load_u32(p);",
     "    case CAS_4: return seg->base_cas + load_u32(p);"),
    ("layout: an expiry that is too narrow wraps", RECORD,
     "    if (code < expires_code(seg, expires_s, false))", "    if (code == EXPIRES_NONE)"),
    ("layout: a survivor keeps the widths it had", "src/store/item.c",
     "        moved = item_rewrite(store, rec, &head, log, 0);",
     "        head.cas++;\n        moved = item_rewrite(store, rec, &head, log, 0);"),
    ("layout: what moves is counted as before", "src/store/item.c",
     "    store->header_bytes -= old_header;", "    store->header_bytes -= header;"),
    ("layout: a bumped item is where it was", "src/store/lookup.c",
     "    item->handle = rec;\n    item->key = rec_key(rec);", "    item->key = rec_key(rec);"),
    ("layout: without eviction fields are narrow", "src/store/store_priv.h",
     "!store->evict || (info & REC_LARGE) != 0", "(info & REC_LARGE) != 0"),
    ("layout: what is not needed of a header is lost", "src/store/item.c",
     "    arena_shorten(&store->arena, rec, more, rec_bytes(rec));", "    (void)more;"),
]

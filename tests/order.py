"""Which layer may know which, and the order of files within a layer: for layers.py and link.py."""

# What a layer may use. Of proto, cmd knows only these headers, which define no function.
LAYERS = {
    "base": [],
    "loan": ["base"],
    "event": ["base"],
    "proto": ["base"],
    "store": ["base"],
    "cmd": ["base", "store", "proto/request.h", "proto/reply.h", "proto/op.h", "proto/op.def",
            "proto/session.h"],
    "conn": ["base", "loan", "event", "proto", "cmd"],
    "app": ["base", "loan", "event", "proto", "store", "cmd", "conn"],
    "tools": ["base", "event", "proto", "loan"],
}

# Files of a layer from top to bottom: each uses only those in rows below its own. What each row
# is for: src/conn/server.c. Headers without a row are data, which any file may look at.
ORDER = {
    "proto": """
        proto
        text mcbp http
        text_line text_auth http_head http_reply
        text_get text_set text_admin text_stream meta meta_reply mcbp_reply http_metrics http_json http_page
        http_target http_fields
        text_reply http_lines http_buckets
        http_sample
        request words token base64 http_words http_put http_page_text
    """,
    "cmd": """
        cmd
        cmd_admin cmd_auth cmd_item cmd_meta cmd_store cmd_stats cmd_dump cmd_export
        cmd_number cmd_join
        cmd_prefix cmd_classes cmd_hot
        cmd_value cmd_time cmd_pin cmd_big
    """,
    "event": """
        listener signal
        listen loop
        timer busy_poll
    """,
    "loan": """
        pool_stats
        pool
        buf
    """,
    "conn": """
        check
        server
        schedule sweep server_stats handover handed
        handed_conn group
        dispatch
        settle
        batch
        careful
        command scan
        scan_words
        permission join upload watch
        discard
        output
        shutdown admission
        shed
        receive send conn_stats
        conn
        notice
        held handover_names conn_image
        task stash
        table rendering stall linger client_names server_latency watch_line slow transfer
    """,
}

# The folders of tools/bench: each includes only itself and those before it.
BENCH_FOLDERS = ["host", "data", "stat", "wire", "options", "load", "simulate", "builtin", "roles", "run", "report", "."]


def heights(layer):
    """{file without its ending: how far up it is}, from 1 for the lowest row."""
    rows = ORDER[layer].strip().splitlines()
    return {name: len(rows) - i for i, row in enumerate(rows) for name in row.split()}

/*
 * The names of all statistics are wire protocol, and so is their order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "program.h"

/* --- Names, in their order --- */

static const struct {
    const char *group;
    const char *names;
} groups[] = {
    {"", "pid uptime time version lombard_version pointer_size rusage_user "
         "rusage_system max_connections threads accepting_conns "
         "listen_disabled_num time_in_listen_disabled_us curr_connections admin_connections "
         "http_connections http_rejected http_shared "
         "total_connections rejected_connections admin_refused names_refused client_names "
         "connection_structures "
         "conn_dispatches conn_yields conn_pauses conn_ready lapses loop_stalls conn_stalls "
         "conn_stalled conn_lingering stash_bytes task_bytes bytes_read "
         "bytes_written rbufs_existing rbufs_loaned rbufs_allocated "
         "rbufs_waiting rbufs_failed wbufs_existing wbufs_loaned wbufs_allocated "
         "wbufs_waiting wbufs_failed io_batches io_batched_receives io_batched_sends "
         "io_batch_failures busy_polls busy_poll_found busy_poll_us busy_poll_budget_us "
         "conn_closed_quit conn_closed_eof "
         "conn_closed_reset conn_closed_vanished conn_closed_protocol "
         "conn_closed_rejected conn_closed_unauthenticated conn_closed_auth_timeout "
         "conn_closed_idle conn_closed_operator_idle conn_closed_http_timeout "
         "conn_closed_stalled conn_closed_shed_buffers conn_closed_shed_pins "
         "conn_closed_killed conn_closed_no_memory conn_closed_shutdown conn_closed_internal "
         "log_watchers log_watcher_skipped log_watcher_sent "
         "log_dropped log_suppressed internal_errors events events_left_out cmd_get cmd_set "
         "cmd_flush cmd_touch "
         "cmd_meta get_hits get_misses delete_misses delete_hits incr_misses "
         "incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval "
         "touch_hits touch_misses auth_cmds auth_errors http_requests http_refused "
         "store_too_large store_no_memory "
         "concat_joins "
         "concat_restarts detail_prefixes detail_uncounted limit_maxbytes curr_items "
         "total_items bytes evictions "
         "evicted_unfetched reclaimed expired_unfetched get_expired get_flushed flushed "
         "outofmemory "
         "hash_buckets hash_bytes hash_is_expanding index_resizes huge_bytes huge_refused "
         "bytes_moved "
         "segments_emptied segments_pinned evict_stalls space_waits ttl_scans evicted_active "
         "response_obj_oom response_obj_count response_obj_bytes read_buf_count "
         "read_buf_bytes read_buf_bytes_free read_buf_oom idle_kicks malloc_fails "
         "direct_reclaims hash_power_level slab_reassign_rescues "
         "slab_reassign_chunk_rescues slab_reassign_inline_reclaim "
         "slab_reassign_busy_items slab_reassign_busy_deletes "
         "slab_reassign_busy_nomem slab_reassign_running slabs_moved "
         "slab_global_page_pool lru_crawler_running lru_crawler_starts "
         "lru_maintainer_juggles crawler_reclaimed crawler_items_checked "
         "lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru "
         "lru_bumps_dropped log_worker_dropped log_worker_written "
         "unexpected_napi_ids "
         "round_robin_fallback "
         "sandbox_denied takeovers takeovers_refused takeover_pause_us "},
    {"settings",
     "maxbytes maxconns tcpport lock_memory core_dumps large_pages "
     "binding_protocol stat_key_prefix detail_prefixes udpport inter verbosity evictions "
     "domain_socket admin admin_conns admin_flush http http_conns http_timeout "
     "client_names stall_ms proxy_is_client cas_enabled "
     "num_threads reqs_per_event tcp_backlog "
     "item_size_max flush_enabled dump_enabled watch_enabled shutdown_command "
     "memory_file idle_timeout "
     "send_timeout peer_timeout operator_timeout drain_time_ms buffer_memory "
     "total_memory favor huge_pages batch_io busy_poll loan auth_enabled_ascii "
     "auth_enabled_sasl "
     "auth_timeout "
     "log_file control takeover sandbox batch_io_in_force busy_poll_in_force detail_enabled "
     "umask maxconns_fast slab_reassign lru_crawler slab_automove "
     "lru_maintainer_thread lru_segmented tail_repair_time temp_lru "
     "track_sizes inline_ascii_response ext_drop_unread client_flags_size "
     "sandbox_in_force "},
    {"conns", "addr state protocol age secs_since_last_cmd bytes_in bytes_out "
              "buffers_held bytes_pending secs_stalled wait_ms bytes_held id name session "
              "last_cmd requests errors "},
    {"buffers", "buffer_bytes buffers_limit buffers_reserved_for_output buffers_made "
                "buffers_free buffers_lent buffers_lent_input buffers_lent_output "
                "buffers_peak buffers_trimmed waiters stash_bytes conn_stalled "
                "rbufs_existing rbufs_loaned rbufs_allocated rbufs_waiting rbufs_failed "
                "wbufs_existing wbufs_loaned wbufs_allocated wbufs_waiting wbufs_failed "},
    {"store", "limit_bytes live_bytes header_bytes dead_bytes index_bytes "
              "pinned_bytes free_bytes resident_bytes explicit_bytes items segment_bytes "
              "segments segments_free "},
    {"latency", "iteration:10s:count iteration:10s:p50_us iteration:10s:p90_us "
                "iteration:10s:p99_us iteration:10s:p999_us iteration:10s:max_us "
                "iteration:60s:count iteration:60s:p50_us iteration:60s:p90_us "
                "iteration:60s:p99_us iteration:60s:p999_us iteration:60s:max_us "
                "iteration:ever:count iteration:ever:p50_us iteration:ever:p90_us "
                "iteration:ever:p99_us iteration:ever:p999_us "
                "iteration:ever:max_us lag:10s:count lag:10s:p50_us lag:10s:p90_us "
                "lag:10s:p99_us lag:10s:p999_us lag:10s:max_us lag:60s:count "
                "lag:60s:p50_us lag:60s:p90_us lag:60s:p99_us lag:60s:p999_us "
                "lag:60s:max_us lag:ever:count lag:ever:p50_us lag:ever:p90_us "
                "lag:ever:p99_us lag:ever:p999_us lag:ever:max_us set:10s:count "
                "set:10s:p50_us set:10s:p90_us set:10s:p99_us set:10s:p999_us "
                "set:10s:max_us set:60s:count set:60s:p50_us set:60s:p90_us "
                "set:60s:p99_us set:60s:p999_us set:60s:max_us set:ever:count "
                "set:ever:p50_us set:ever:p90_us set:ever:p99_us set:ever:p999_us "
                "set:ever:max_us step_serve:10s:max_us step_serve:60s:max_us "
                "step_serve:ever:max_us step_accept:10s:max_us "
                "step_accept:60s:max_us step_accept:ever:max_us "
                "step_work:10s:max_us step_work:60s:max_us step_work:ever:max_us "
                "step_tick:10s:max_us step_tick:60s:max_us step_tick:ever:max_us "
                "step_close:10s:max_us step_close:60s:max_us "
                "step_close:ever:max_us "},
    {"rates", "commands:1s gets:1s sets:1s hits:1s misses:1s bytes_in:1s "
              "bytes_out:1s connections:1s evictions:1s expired:1s refusals:1s "
              "sheds:1s stalls:1s commands:10s gets:10s sets:10s hits:10s misses:10s "
              "bytes_in:10s bytes_out:10s connections:10s evictions:10s expired:10s "
              "refusals:10s sheds:10s stalls:10s commands:60s gets:60s sets:60s "
              "hits:60s misses:60s bytes_in:60s bytes_out:60s connections:60s "
              "evictions:60s expired:60s refusals:60s sheds:60s stalls:60s "},
    {"slow", ""}, /* when it was reset */
    {"hotkeys", "1:key 1:share_pct 1:error_pct 1:per_second "},
    {"hotbytes", ""},
    {"misskeys", ""},
    {"bigkeys", "1:key 1:bytes "},
    {"items", "items:1:number items:1:number_hot items:1:number_warm "
              "items:1:number_cold items:1:age_hot items:1:age_warm "
              "items:1:age items:1:mem_requested items:1:evicted "
              "items:1:evicted_nonzero items:1:evicted_time items:1:outofmemory "
              "items:1:tailrepairs items:1:reclaimed items:1:expired_unfetched "
              "items:1:evicted_unfetched items:1:evicted_active items:1:crawler_reclaimed "
              "items:1:crawler_items_checked items:1:lrutail_reflocked "
              "items:1:moves_to_cold items:1:moves_to_warm items:1:moves_within_lru "
              "items:1:direct_reclaims items:1:hits_to_hot items:1:hits_to_warm "
              "items:1:hits_to_cold items:1:hits_to_temp "},
    {"extstore", ""},
    {"slabs", "1:chunk_size 1:chunks_per_page 1:total_pages 1:total_chunks "
              "1:used_chunks 1:free_chunks 1:free_chunks_end 1:get_hits 1:cmd_set "
              "1:delete_hits 1:incr_hits 1:decr_hits 1:cas_hits 1:cas_badval "
              "1:touch_hits active_slabs total_malloced "},
    {"sizes", "sizes_status "},
    {"events", ""},
};

/* Without the descriptor, which differs from run to run. */
static const char *
plain_name(const char *group, const char *name)
{
    return strcmp(group, "conns") == 0 ? strchr(name, ':') + 1 : name;
}

/* Behind the connections there are the listeners: one, here. */
static void
expect_listener(struct stat_cursor *cursor)
{
    static const char *const names[] = {"addr", "state"};
    struct stat_line line;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_int_eq(stats_next(&registry, cursor, &line), STAT_FOUND);
        ck_assert_str_eq(plain_name("conns", line.name), names[i]);
    }
    ck_assert_str_eq(line.value.text, "conn_listening");
}

START_TEST(names_are_in_order)
{
    static char text[8192];
    const char *group = groups[_i].group;
    const char *want = groups[_i].names;
    struct stat_cursor cursor;
    struct stat_line line;
    int instances = strcmp(group, "conns") == 0 ? PROGRAM_CLIENTS : 1;

    if (strcmp(group, "slow") == 0)
        stats_reset(&registry);
    ck_assert(stats_begin(&registry, slice_make(group, strlen(group)), &cursor));
    for (int i = 0; i < instances; i++) {
        size_t used = 0;

        text[0] = '\0';
        while (used < strlen(want) && stats_next(&registry, &cursor, &line) == STAT_FOUND)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ",
                                     plain_name(group, line.name));
        ck_assert_str_eq(text, want);
    }
    if (strcmp(group, "conns") == 0)
        expect_listener(&cursor);
    ck_assert_int_eq(stats_next(&registry, &cursor, &line), STAT_END);
}
END_TEST

START_TEST(there_are_no_other_groups)
{
    for (size_t i = 0; i < registry.count; i++) {
        size_t known = 0;

        for (size_t j = 0; j < ARRAY_LEN(groups); j++)
            known += strcmp(registry.sources[i].group, groups[j].group) == 0;
        ck_assert_uint_eq(known, 1);
    }
}
END_TEST

/* What the service manager shows. Nothing has been asked for before but the item "a". */
START_TEST(a_line_sums_up)
{
    char line[128], cut[16];

    ck_assert_uint_eq(statistics_number(&registry, "curr_items"), 1);
    ck_assert_uint_eq(statistics_number(&registry, "no_such_name"), 0);
    program_say(clients[0], "get a\r\nget a\r\nget absent\r\n");
    statistics_summary(&registry, line, sizeof(line));
    ck_assert_str_eq(line, "2 connections, 1 items, hit ratio 66.7 %");
    statistics_summary(&registry, cut, sizeof(cut));
    ck_assert_str_eq(cut, "2 connections, ");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("statistics");

    tcase_add_checked_fixture(tc, program_start, program_stop);
    tcase_add_loop_test(tc, names_are_in_order, 0, ARRAY_LEN(groups));
    tcase_add_test(tc, there_are_no_other_groups);
    tcase_add_test(tc, a_line_sums_up);
    return leak_run(tc, "app/statistics");
}

#include "rig.h"

int
main(void)
{
    Suite *suite = suite_create("store");
    TCase *tcases[] = {index_tcase(), arena_tcase(),      store_tcase(),  ttl_tcase(),
                       large_tcase(), invariants_tcase(), pin_tcase(),    evict_tcase(),
                       limit_tcase(), tail_tcase(),       policy_tcase(), record_tcase(),
                       root_tcase(),  put_tcase(),        lent_tcase()};
    SRunner *runner = srunner_create(suite);
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(tcases); i++) {
        tcase_set_timeout(tcases[i], 120);
        suite_add_tcase(suite, tcases[i]);
    }
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

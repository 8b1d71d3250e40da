<?php
// php-memcached: libmemcached below, in text and in binary.
$port = (int)$argv[1];
$passed = 0;
$failed = 0;

function check(string $name, bool $ok): void
{
    global $passed, $failed;
    if ($ok) {
        $passed++;
    } else {
        $failed++;
        echo "FAILED: $name\n";
    }
}

function connect(int $port, bool $binary, array $more = []): Memcached
{
    $m = new Memcached();
    $m->setOptions([Memcached::OPT_BINARY_PROTOCOL => $binary,
                    Memcached::OPT_TCP_NODELAY => true,
                    Memcached::OPT_COMPRESSION => false] + $more);
    $m->addServer('127.0.0.1', $port);
    return $m;
}

function basics(Memcached $m, string $at): void
{
    check("$at set", $m->set('k', 'v'));
    check("$at get", $m->get('k') === 'v');
    check("$at get of an absent key",
          $m->get('absent') === false && $m->getResultCode() === Memcached::RES_NOTFOUND);
    check("$at add", !$m->add('k', 'w') && $m->getResultCode() === Memcached::RES_NOTSTORED
          || $m->getResultCode() === Memcached::RES_DATA_EXISTS);
    check("$at add of an absent key", $m->add('k2', 'w'));
    check("$at replace", $m->replace('k', 'x') && !$m->replace('k3', 'x'));
    check("$at append", $m->append('k', 'y') && $m->get('k') === 'xy');
    check("$at prepend", $m->prepend('k', 'w') && $m->get('k') === 'wxy');
    check("$at append to an absent key", !$m->append('k3', 'y'));
    check("$at delete", $m->delete('k') && !$m->delete('k'));
    check("$at empty value", $m->set('e', '') && $m->get('e') === '');
    foreach ([1, -1, 1.5, true, false, null, ['a' => [1, 2]], str_repeat('x', 5000)] as $v) {
        check("$at a value of type " . gettype($v), $m->set('t', $v) && $m->get('t') === $v);
    }
    $versions = $m->getVersion();
    check("$at version", str_starts_with(reset($versions), '1.6'));
    $stats = $m->getStats();
    check("$at stats", (int)reset($stats)['pid'] > 0);
}

function numbers(Memcached $m, string $at, bool $binary): void
{
    $m->set('n', 10);
    check("$at incr", $m->increment('n', 5) === 15 && $m->get('n') === 15);
    check("$at decr", $m->decrement('n', 6) === 9);
    check("$at decr below 0", $m->decrement('n', 60) === 0);
    check("$at incr of an absent key", $m->increment('absent', 1) === false);
    if ($binary) {
        check("$at incr with an initial value", $m->increment('new', 1, 7, 100) === 7
              && $m->increment('new', 1, 7, 100) === 8);
    }
    $m->set('n', 'abc');
    check("$at incr of a word", $m->increment('n', 1) === false);
    check("$at in step after it", $m->get('n') === 'abc');
}

function cas(Memcached $m, string $at): void
{
    $m->set('c', '1');
    $got = $m->get('c', null, Memcached::GET_EXTENDED);
    check("$at get with cas", $got['value'] === '1' && $got['cas'] > 0);
    check("$at cas", $m->cas($got['cas'], 'c', '2'));
    check("$at cas with an old one", !$m->cas($got['cas'], 'c', '3')
          && $m->getResultCode() === Memcached::RES_DATA_EXISTS);
    check("$at cas of an absent key", !$m->cas($got['cas'], 'absent', '3')
          && $m->getResultCode() === Memcached::RES_NOTFOUND);
}

function many(Memcached $m, string $at): void
{
    $values = [];
    for ($i = 0; $i < 2000; $i++) {
        $values["many$i"] = str_repeat("$i", $i % 50);
    }
    check("$at setMulti", $m->setMulti($values));
    $got = $m->getMulti(array_merge(array_keys($values), ['absent']), Memcached::GET_PRESERVE_ORDER);
    check("$at getMulti", array_filter($got, fn($v) => $v !== null) === $values);
    check("$at getDelayed", $m->getDelayed(array_keys($values), true)
          && count($m->fetchAll()) === 2000);
    check("$at deleteMulti", !in_array(false, array_map(fn($r) => $r === true,
                                                       $m->deleteMulti(array_keys($values)))));
    check("$at getMulti of nothing", $m->getMulti(array_keys($values)) === []);
}

function expiry(Memcached $m, string $at): void
{
    $m->set('x1', 'v', 1);
    $m->set('x2', 'v', 100);
    $m->set('x3', 'v', time() + 1);
    $m->set('x4', 'v', 1);
    check("$at touch", $m->touch('x4', 100));
    check("$at touch of an absent key", !$m->touch('absent', 100));
    usleep(2100000);
    check("$at expired", $m->get('x1') === false && $m->get('x3') === false);
    check("$at not expired", $m->get('x2') === 'v' && $m->get('x4') === 'v');
}

function sizes_and_keys(Memcached $m, string $at, bool $binary): void
{
    mt_srand(9);
    $large = '';
    for ($i = 0; $i < 230400; $i++) {
        $large .= pack('N', mt_rand());
    }
    check("$at 900 KB", $m->set('l', $large) && $m->get('l') === $large);
    check("$at 2 MB is refused", !$m->set('l', str_repeat('v', 2000000))
          && $m->getResultCode() === Memcached::RES_E2BIG);
    check("$at in step after it", $m->set('l', 'v') && $m->get('l') === 'v');
    foreach ([1, 1023, 1024, 1025, 16383, 16384, 16385, 65536, 500000] as $n) {
        $v = substr($large, 0, $n);
        check("$at $n bytes", $m->set('s', $v) && $m->get('s') === $v);
    }
    $all = implode('', array_map('chr', range(0, 255)));
    check("$at every byte in a value", $m->set('b', $all) && $m->get('b') === $all);
    for ($b = 0x21; $b <= 0xff; $b++) {
        if ($b < 0x7f || $binary && $b > 0x7f) { // the client refuses others
            $key = chr($b) . '-key';
            check(sprintf('%s byte %02x in a key', $at, $b),
                  $m->set($key, $key) && $m->get($key) === $key);
        }
    }
    check("$at a key of 250 bytes",
          $m->set(str_repeat('k', 250), 'v') && $m->get(str_repeat('k', 250)) === 'v');
}

function pipelined(int $port, string $at, bool $binary): void
{
    $m = connect($port, $binary, [Memcached::OPT_BUFFER_WRITES => true]);
    for ($i = 0; $i < 2000; $i++) {
        $m->set("p$i", $i);
    }
    check("$at buffered sets", $m->flushBuffers() && $m->get('p1999') === 1999);
    $m = connect($port, $binary, [Memcached::OPT_NOREPLY => true]);
    for ($i = 0; $i < 2000; $i++) {
        $m->set("q$i", "$i");
    }
    for ($i = 0; $i < 500; $i++) {
        $m->append('q8', 'a');
    }
    $m->delete('q9');
    $m->quit();
    usleep(200000);
    $m = connect($port, $binary);
    check("$at noreply sets", count($m->getMulti(array_map(fn($i) => "q$i", range(10, 1999)))) === 1990);
    check("$at noreply appends", $m->get('q8') === '8' . str_repeat('a', 500));
    check("$at noreply delete", $m->get('q9') === false);
}

foreach ([false, true] as $binary) {
    $at = $binary ? 'binary:' : 'text:';
    $m = connect($port, $binary);
    check("$at flush", $m->flush());
    basics($m, $at);
    numbers($m, $at, $binary);
    cas($m, $at);
    many($m, $at);
    expiry($m, $at);
    sizes_and_keys($m, $at, $binary);
    pipelined($port, $at, $binary);
    check("$at flush at the end", $m->flush() && $m->get('x2') === false);
}
echo "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);

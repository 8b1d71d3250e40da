# Cache::Memcached::Fast: text, pipelined, with noreply where nothing is asked back.
use strict;
use warnings;
use Cache::Memcached::Fast;

my $port = shift;
my ($passed, $failed) = (0, 0);

sub check {
    my ($name, $ok) = @_;
    if ($ok) { $passed++ } else { $failed++; print "FAILED: $name\n" }
}

my $c = Cache::Memcached::Fast->new({
    servers => ["127.0.0.1:$port"], io_timeout => 20, max_failures => 0, utf8 => 0,
    max_size => 4 * 1024 * 1024,
});

sub is { my ($got, $want) = @_; return defined $got && $got eq $want }

check('flush_all', (values %{$c->flush_all})[0]);
check('version', (values %{$c->server_versions})[0] =~ /^1\.6/);
check('set', $c->set('k', 'v'));
check('get', is($c->get('k'), 'v'));
check('get of an absent key', !defined $c->get('absent'));
check('add', is($c->add('k', 'w'), ''));
check('add of an absent key', $c->add('k2', 'w'));
check('replace', $c->replace('k', 'x'));
check('replace of an absent key', is($c->replace('k3', 'x'), ''));
check('append', $c->append('k', 'y') && is($c->get('k'), 'xy'));
check('prepend', $c->prepend('k', 'w') && is($c->get('k'), 'wxy'));
check('append to an absent key', is($c->append('k3', 'y'), ''));
check('delete', $c->delete('k') && !defined $c->get('k'));
check('delete of an absent key', is($c->delete('k'), ''));
check('empty value', $c->set('e', '') && is($c->get('e'), ''));

$c->set('n', 10);
check('incr', $c->incr('n', 5) == 15);
check('decr', $c->decr('n', 6) == 9);
check('decr below 0', $c->decr('n', 60) == 0);
check('incr of an absent key', is($c->incr('absent', 1), ''));
$c->set('n', 'abc');
check('incr of a word', !$c->incr('n', 1));
check('in step after it', is($c->get('n'), 'abc'));

$c->set('c', '1');
my $gets = $c->gets('c');
check('gets', $gets->[0] > 0 && $gets->[1] eq '1');
check('cas', $c->cas('c', $gets->[0], '2'));
check('cas with an old one', is($c->cas('c', $gets->[0], '3'), ''));
check('cas of an absent key', is($c->cas('absent', $gets->[0], '3'), ''));

my %values = map { ("many$_" => "$_" x ($_ % 50)) } 0 .. 1999;
my $stored = $c->set_multi(map { [$_, $values{$_}] } keys %values);
check('set_multi', 2000 == grep { $_ } values %$stored);
my $got = $c->get_multi(keys %values, 'absent');
check('get_multi', 2000 == keys %$got && !grep { $got->{$_} ne $values{$_} } keys %values);
check('gets_multi', 2000 == keys %{$c->gets_multi(keys %values)});
my $incremented = $c->incr_multi(map { ["many$_", 1] } 1 .. 9);
check('incr_multi', 9 == grep { defined } values %$incremented);
my $appended = $c->append_multi(map { ["many$_", 'z'] } 100 .. 199);
check('append_multi', 100 == grep { $_ } values %$appended);
my $deleted = $c->delete_multi(keys %values);
check('delete_multi', 2000 == grep { $_ } values %$deleted);
check('get_multi of nothing', 0 == keys %{$c->get_multi(keys %values)});

# In void context these say noreply.
for my $i (0 .. 1999) { $c->set("q$i", $i) }
$c->nowait_push;
$got = $c->get_multi(map { "q$_" } 0 .. 1999);
check('set noreply', 2000 == grep { $got->{"q$_"} eq $_ } 0 .. 1999);
for (1 .. 500) { $c->incr('q7', 2) }
$c->nowait_push;
check('incr noreply', is($c->get('q7'), 1007));
for (1 .. 500) { $c->append('q8', 'a') }
$c->delete('q9');
$c->add('q10', 'no');
$c->touch('absent', 1);
$c->nowait_push;
check('append noreply', is($c->get('q8'), '8' . 'a' x 500));
check('delete noreply', !defined $c->get('q9'));
check('what fails is silent, too', is($c->get('q10'), '10'));

$c->set('x1', 'v', 1);
$c->set('x2', 'v', 100);
$c->set('x3', 'v', time() + 1);
$c->set('x4', 'v', 1);
check('touch', $c->touch('x4', 100));
check('touch of an absent key', is($c->touch('absent', 100), ''));
check('gat', is($c->gat(100, 'x4'), 'v'));
check('gats', $c->gats(100, 'x4')->[1] eq 'v');
check('gat_multi', 2 == keys %{$c->gat_multi(100, 'x2', 'x4', 'absent')});
select undef, undef, undef, 2.1;
check('expired', !defined $c->get('x1') && !defined $c->get('x3'));
check('not expired', is($c->get('x2'), 'v') && is($c->get('x4'), 'v'));

srand 9;
my $large = join '', map { pack 'N', int rand 2**32 } 1 .. 230400;
check('900 KB', $c->set('l', $large) && is($c->get('l'), $large));
check('2 MB is refused', !$c->set('l', 'v' x 2_000_000));
check('in step after it', $c->set('l', 'v') && is($c->get('l'), 'v'));
for my $n (1, 1023, 1024, 1025, 16383, 16384, 16385, 65536, 500000) {
    my $value = substr $large, 0, $n;
    check("$n bytes", $c->set('s', $value) && is($c->get('s'), $value));
}
my $all = join '', map { chr } 0 .. 255;
check('every byte in a value', $c->set('b', $all) && is($c->get('b'), $all));
for my $b (0x21 .. 0xff) {
    my $key = chr($b) . '-key';
    check(sprintf('byte %02x in a key', $b), $c->set($key, $key) && is($c->get($key), $key));
}
check('a key of 250 bytes', $c->set('k' x 250, 'v') && is($c->get('k' x 250), 'v'));
check('flush_all at the end', (values %{$c->flush_all})[0] && !defined $c->get('x2'));
$c->disconnect_all;
print "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);

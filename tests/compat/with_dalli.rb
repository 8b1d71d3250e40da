# Dalli: binary, and with a version that has them (3.2) the meta commands.
require 'dalli'

PORT = ARGV[0]
$passed = 0
$failed = 0

def check(name)
  if yield
    $passed += 1
  else
    $failed += 1
    puts "FAILED: #{name}"
  end
rescue StandardError => e
  $failed += 1
  puts "FAILED: #{name}: #{e.class}: #{e.message[0, 200]}"
end

def refused?
  !yield
rescue Dalli::DalliError
  true
end

def basics(c, at)
  check("#{at} set") { c.set('k', 'v') }
  check("#{at} get") { c.get('k') == 'v' }
  check("#{at} get of an absent key") { c.get('absent').nil? }
  check("#{at} add") { !c.add('k', 'w') && c.add('k2', 'w') }
  check("#{at} replace") { c.replace('k', 'x') && [0, nil, false].include?(c.replace('k3', 'x')) }
  c.set('k', 'x', 0, raw: true)
  check("#{at} append") { c.append('k', 'y') && c.get('k') == 'xy' }
  check("#{at} prepend") { c.prepend('k', 'w') && c.get('k') == 'wxy' }
  check("#{at} append to an absent key") { !c.append('k3', 'y') }
  check("#{at} delete") { c.delete('k') && !c.delete('k') }
  check("#{at} empty value") { c.set('e', '', 0, raw: true) && c.get('e') == '' }
  check("#{at} objects") { c.set('t', { a: [1, nil] }) && c.get('t') == { a: [1, nil] } }
  check("#{at} fetch") { c.fetch('fetched', 100) { 7 } == 7 && c.fetch('fetched') { 8 } == 7 }
  check("#{at} version") { c.version.values.first.start_with?('1.6') }
  check("#{at} stats") { c.stats.values.first['pid'].to_i.positive? }
  check("#{at} stats settings") { c.stats(:settings).values.first.key?('maxbytes') }
end

def numbers(c, at)
  check("#{at} incr with an initial value") { c.incr('n', 5, 100, 10) == 10 }
  check("#{at} incr") { c.incr('n', 5) == 15 }
  check("#{at} decr") { c.decr('n', 6) == 9 }
  check("#{at} decr below 0") { c.decr('n', 60).zero? }
  check("#{at} incr of an absent key") { c.incr('absent', 1).nil? }
  c.set('word', 'abc', 0, raw: true)
  check("#{at} incr of a word") { refused? { c.incr('word', 1) } }
  check("#{at} in step after it") { c.get('word') == 'abc' }
end

def cas(c, at)
  c.set('c', '1')
  check("#{at} cas") { c.cas('c') { |v| v + '2' } && c.get('c') == '12' }
  check("#{at} cas of an absent key") { c.cas('absent') { |v| v }.nil? }
  check("#{at} cas with an old one") do
    c.cas('c') { |v| c.set('c', 'other'); v + '3' } == false && c.get('c') == 'other'
  end
  value, token = c.get_cas('c')
  check("#{at} set_cas") { value == 'other' && c.set_cas('c', 'x', token) && !c.set_cas('c', 'y', token) }
  check("#{at} delete_cas") { !c.delete_cas('c', token) && c.delete_cas('c', c.get_cas('c')[1]) }
end

def many(c, at)
  values = (0..1999).to_h { |i| ["many#{i}", i.to_s * (i % 50)] }
  check("#{at} quiet sets") do
    c.multi { values.each { |k, v| c.set(k, v) } }
    c.get_multi(*values.keys, 'absent') == values
  end
  check("#{at} get_multi_cas") { c.get_multi_cas(*values.keys).size == 2000 }
  check("#{at} quiet deletes") do
    c.multi { values.each_key { |k| c.delete(k) } }
    c.get_multi(*values.keys) == {}
  end
  c.set('q', '1', 0, raw: true)
  check("#{at} quiet incr, append and prepend") do
    c.multi do
      500.times { c.incr('q', 2) }
      c.append('q', 'a')
      c.prepend('q', 'b')
    end
    c.get('q') == 'b1001a'
  end
end

def expiry(c, at)
  c.set('x1', 'v', 1)
  c.set('x2', 'v', 100)
  c.set('x4', 'v', 1)
  check("#{at} touch") { c.touch('x4', 100) && !c.touch('absent', 100) }
  check("#{at} gat") { c.gat('x4', 100) == 'v' && c.gat('absent', 100).nil? }
  sleep 2.1
  check("#{at} expired") { c.get('x1').nil? }
  check("#{at} not expired") { c.get('x2') == 'v' && c.get('x4') == 'v' }
end

def sizes_and_keys(c, at)
  large = Random.new(9).bytes(900 * 1024)
  check("#{at} 900 KB") { c.set('l', large, 0, raw: true) && c.get('l') == large }
  check("#{at} 2 MB is refused") { refused? { c.set('l', large * 3, 0, raw: true) } }
  check("#{at} in step after it") { c.set('l', 'v') && c.get('l') == 'v' }
  [1, 1023, 1024, 1025, 16_383, 16_384, 16_385, 65_536, 500_000].each do |n|
    value = large[0, n]
    check("#{at} #{n} bytes") { c.set('s', value, 0, raw: true) && c.get('s') == value }
  end
  # The meta client sends what a text key may not hold as base64.
  bytes = (1..255).map { |b| "#{b.chr(Encoding::BINARY)}-key" }
  bytes.each { |key| check("#{at} the key #{key.inspect}") { c.set(key, key) && c.get(key) == key } }
  check("#{at} a key of 250 bytes") { c.set('k' * 250, 'v') && c.get('k' * 250) == 'v' }
end

protocols = Dalli::VERSION >= '3.2' ? %i[binary meta] : %i[binary]
protocols.each do |protocol|
  at = "#{protocol}:"
  c = Dalli::Client.new("127.0.0.1:#{PORT}", protocol: protocol, socket_timeout: 20,
                                             value_max_bytes: 4 * 1024 * 1024)
  check("#{at} flush") { c.flush.all? }
  basics(c, at)
  numbers(c, at)
  cas(c, at)
  many(c, at)
  expiry(c, at)
  sizes_and_keys(c, at)
  check("#{at} flush at the end") { c.flush.all? && c.get('x2').nil? }
  c.close
end
puts "#{$passed} passed, #{$failed} failed"
exit($failed.zero? ? 0 : 1)

-- A call is over: what it reserved stays counted, or is taken back, and what happened in it is written.
-- Repeating it changes nothing; the first answer about the reservation stands.
-- KEYS: what this call reserved
-- ARGV: call id, '1' when the reservation is taken back, seconds kept,
--       then per event: counter, call id, at, older than any window
local reserved = redis.call('GET', KEYS[1])
if reserved and ARGV[2] == '1' then
  for key in string.gmatch(reserved, '[^\t]+') do redis.call('ZREM', key, ARGV[1]) end
end
redis.call('DEL', KEYS[1])
for i = 4, #ARGV, 4 do
  write(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[3])
end
return redis.status_reply('OK')

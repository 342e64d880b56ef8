-- Take leads out of every queue they wait in; leases are left to the calls that hold them.
-- KEYS: leads, owners, the sorted set the ids were read from (an id there without a lead is dropped too)
-- ARGV: prefix of the campaigns' keys, lead ids...
local leads, owners = KEYS[1], KEYS[2]
local removed = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local record = redis.call('HGET', leads, id)
  redis.call('ZREM', KEYS[3], id)
  if record then
    local segment, campaign = string.match(record, '^([^\t]*)\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]*)\t')
    redis.call('ZREM', ARGV[1] .. campaign .. ':queue:' .. segment, id)
    redis.call('ZREM', ARGV[1] .. campaign .. ':aside', id)
    redis.call('HDEL', leads, id)
    redis.call('ZREM', owners, id)
    removed = removed + 1
  end
end
return removed

-- Take leads out of every queue they wait in; leases are left to the calls that hold them.
-- KEYS: queued, owners, the sorted set the ids were read from (an id there without a lead is dropped too)
-- ARGV: prefix of the campaigns' keys, lead ids...
local queued, owners = KEYS[1], KEYS[2]
local removed = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local record = redis.call('HGET', queued, id)
  redis.call('ZREM', KEYS[3], id)
  if record then
    local segment, campaign = string.match(record, '^([^\t]*)\t[^\t]*\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]*)\t')
    local base = ARGV[1] .. campaign
    for _, place in ipairs({ ':ready:' .. segment, ':waiting:' .. segment, ':aside', ':parked' }) do
      redis.call('ZREM', base .. place, id)
    end
    redis.call('HDEL', queued, id)
    redis.call('ZREM', owners, id)
    removed = removed + 1
  end
end
return removed

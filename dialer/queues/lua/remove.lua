-- Take leads out of every queue they wait in; leases are left to the calls that hold them.
-- KEYS: queued, owners, and the sorted set the ids were read from, if any (an id there without a lead is dropped too)
-- ARGV: prefix of the campaigns' keys, lead ids...
local queued, owners = KEYS[1], KEYS[2]
local removed = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local record = redis.call('HGET', queued, id)
  if KEYS[3] then redis.call('ZREM', KEYS[3], id) end
  if record then
    local segment, debtor, campaign = string.match(record, '^([^\t]*)\t[^\t]*\t([^\t]*)\t[^\t]*\t[^\t]*\t([^\t]*)\t')
    local base = ARGV[1] .. campaign
    for _, place in ipairs({ ':ready:' .. segment, ':waiting:' .. segment, ':aside', ':parked' }) do
      redis.call('ZREM', base .. place, id)
    end
    redis.call('HDEL', queued, id)
    disown(owners, debtor, id)
    removed = removed + 1
  end
end
return removed

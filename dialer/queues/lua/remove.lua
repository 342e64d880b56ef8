-- Take leads out of every queue they wait in; leases are left to the calls that hold them.
-- KEYS: queued, owners, leased, and the sorted set the ids were read from, if any (an id there without a lead
--       is dropped too)
-- ARGV: prefix of the campaigns' keys, lead ids, each as it stands in that set
local queued, owners, leased = KEYS[1], KEYS[2], KEYS[3]
local removed = 0
for i = 2, #ARGV do
  -- Whoever waits carries its rank.
  local id = string.match(ARGV[i], '^[^:]*')
  local record = redis.call('HGET', queued, id)
  if KEYS[4] then redis.call('ZREM', KEYS[4], ARGV[i]) end
  if record then
    local segment, debtor, call, campaign, rank =
      string.match(record, '^([^\t]*)\t[^\t]*\t([^\t]*)\t[^\t]*\t([^\t]*)\t([^\t]*)\t([^\t]*)\t')
    if redis.call('HEXISTS', leased, call) == 0 then
      local base = ARGV[1] .. campaign
      redis.call('ZREM', base .. ':ready:' .. segment, id)
      redis.call('ZREM', base .. ':waiting:' .. segment, id .. ':' .. rank)
      redis.call('ZREM', base .. ':aside', id)
      redis.call('HDEL', queued, id)
      disown(owners, debtor, id)
      removed = removed + 1
    end
  end
end
return removed

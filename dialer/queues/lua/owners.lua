-- Which leads of a debtor are queued or in a call: debtor id -> lead ids, a hash, because a sorted set of
-- a million costs several times as much at every change.

local function own(owners, debtor, id)
  if redis.call('HSETNX', owners, debtor, id) == 0 then
    redis.call('HSET', owners, debtor, redis.call('HGET', owners, debtor) .. ',' .. id)
  end
end

-- What is left of a debtor's leads without this one; nothing when it was the only one.
local function without(ids, id)
  if ids == id then return nil end
  local rest = {}
  for other in string.gmatch(ids, '[^,]+') do
    if other ~= id then rest[#rest + 1] = other end
  end
  if #rest > 0 then return table.concat(rest, ',') end
end

local function disown(owners, debtor, id)
  local rest = without(redis.call('HGET', owners, debtor) or id, id)
  if rest then redis.call('HSET', owners, debtor, rest) else redis.call('HDEL', owners, debtor) end
end

-- Lease due leads, segment by segment in the order given, earliest due first. Nobody whose debtor or
-- phone is in a call is handed out: such a lead is set aside, so that the head is never scanned twice.
-- KEYS: leads, leased, deadlines, debtors, phones, owners, aside
-- ARGV: n, now, until, looks (most leads looked at), aside until, queue prefix, segments...
local leads, leased, deadlines, debtors, phones, owners, aside = unpack(KEYS)
local n, now, till, looks = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local retry_at, prefix = ARGV[5], ARGV[6]

-- Names of queues are made here: every key carries the same hash tag, so a Cluster agrees.
local function fields(record)
  return string.match(record, '^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t')
end

local function return_the_rested()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', aside, '-inf', now, 'LIMIT', 0, 100)) do
    local record = redis.call('HGET', leads, id)
    if record then
      local segment, due = fields(record)
      redis.call('ZADD', prefix .. segment, due, id)
    end
    -- After the ZADD: a Redis out of memory refuses that one and stops the script there.
    redis.call('ZREM', aside, id)
  end
end

local given = {}

local function judge(queue, ids)
  local records = redis.call('HMGET', leads, unpack(ids))
  for i, id in ipairs(ids) do
    local record = records[i]
    if record then
      local _, _, debtor, phone, call = fields(record)
      if redis.call('HEXISTS', debtors, debtor) == 1 or redis.call('HEXISTS', phones, phone) == 1 then
        redis.call('ZADD', aside, retry_at, id)
      else
        redis.call('HSET', debtors, debtor, call)
        redis.call('HSET', phones, phone, call)
        redis.call('HSET', leased, call, record)
        redis.call('ZADD', deadlines, till, call)
        redis.call('HDEL', leads, id)
        redis.call('ZREM', owners, id)
        given[#given + 1] = record
      end
    end
  end
  redis.call('ZREM', queue, unpack(ids))
end

return_the_rested()
for s = 7, #ARGV do
  local queue = prefix .. ARGV[s]
  while #given < n and looks > 0 do
    local ids = redis.call('ZRANGEBYSCORE', queue, '-inf', now, 'LIMIT', 0, math.min(n - #given, looks, 500))
    if #ids == 0 then break end
    looks = looks - #ids
    judge(queue, ids)
  end
end
return given

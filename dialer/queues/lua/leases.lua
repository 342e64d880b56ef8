-- How a lease ends; read in front of the scripts that end leases.

local function free(marks, who, call)
  if redis.call('HGET', marks, who) == call then redis.call('HDEL', marks, who) end
end

-- What was set aside because of this debtor goes back to its queue, in whatever campaign.
local function wake(queued, owners, prefix, debtor)
  for id in string.gmatch(redis.call('HGET', owners, debtor) or '', '[^,]+') do
    local record = redis.call('HGET', queued, id)
    if record then
      local segment, due, campaign = string.match(record, '^([^\t]*)\t([^\t]*)\t[^\t]*\t[^\t]*\t[^\t]*\t([^\t]*)\t')
      local aside = prefix .. campaign .. ':aside'
      if redis.call('ZSCORE', aside, id) then
        redis.call('ZADD', prefix .. campaign .. ':waiting:' .. segment, due, id)
        redis.call('ZREM', aside, id)
      end
    end
  end
end

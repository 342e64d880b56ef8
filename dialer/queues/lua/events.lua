-- How the ledger counts; read in front of its scripts. A counter is a sorted set: call id scored by instant.

-- Events at or after `since`, and the instant of the one that must leave before there is room again.
local function tally(key, since, most)
  local count = redis.call('ZCOUNT', key, since, '+inf')
  if count < most then return count, '' end
  local leaves = redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', count - most, 1)
  return count, leaves[2] or ''
end

-- Memory is bounded twice: what no window can reach any more goes with the next write, and a counter
-- nobody writes to vanishes by itself; business time never runs slower than Redis's own.
local function write(key, call, at, oldest, keep_s)
  redis.call('ZADD', key, at, call)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', oldest)
  redis.call('EXPIRE', key, keep_s)
end

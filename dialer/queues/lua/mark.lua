-- A rebuild is complete: only the Redis that saw it begin can say so.
-- KEYS: marker of a complete ledger, rebuilds under way
-- ARGV: generation
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1

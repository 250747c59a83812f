-- Adds a part of a fold to a hash that nobody reads. If nobody swaps it in, it expires.
--
-- KEYS[1]  the staged hash
-- ARGV     1 after how many seconds it expires; then pairs of a field and its value
-- Returns  how many fields it has.

redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return redis.call('HLEN', KEYS[1])

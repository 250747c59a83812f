-- Swaps a staged fold in, in the place of counters that are absent, no counters, of another epoch, older, or still
-- exactly what was condemned. Readers see the old hash or the new one, whole.
--
-- KEYS[1]  the hash of the election
-- KEYS[2]  the staged hash
-- ARGV     1 how many fields are staged; 2 how to publish, 3 the channel;
--          then pairs of a field and its value: the whole content that was condemned, or nothing
-- Returns  whether it did: 'replaced', 'kept', or 'lost' where what was staged is not whole any more.

local FIRST = 4

local function is_condemned()
  local current = redis.call('HGETALL', KEYS[1])
  if #ARGV < FIRST or #current ~= #ARGV - FIRST + 1 then
    return false
  end
  local condemned = {}
  for place = FIRST, #ARGV, 2 do
    condemned[ARGV[place]] = ARGV[place + 1]
  end
  for place = 1, #current, 2 do
    if condemned[current[place]] ~= current[place + 1] then
      return false
    end
  end
  return true
end

local function gives_way(staged)
  if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then
    return true
  end
  local stands = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
  local at = stands[2] and tonumber(stands[2])
  return stands[1] ~= staged[1] or not at or at < tonumber(staged[2]) or is_condemned()
end

if redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[1]) then
  return 'lost'
end
local staged = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
if not gives_way(staged) then
  redis.call('DEL', KEYS[2])
  return 'kept'
end
-- A name takes its expiry along when it is changed: counters have none.
redis.call('PERSIST', KEYS[2])
redis.call('RENAME', KEYS[2], KEYS[1])
redis.pcall(ARGV[2], ARGV[3], staged[1] .. '.' .. staged[2])
return 'replaced'

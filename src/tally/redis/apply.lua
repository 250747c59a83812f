-- Moves the counters of one election by one batch, if and only if they stand exactly where it begins.
--
-- Scripts do not roll back. So everything is read and checked first, and then ONE HSET writes the totals together with
-- the watermark: whatever ends the server in between, both are there or neither is.
--
-- The stack of a script holds 8,000 values, so more cells than CHUNK take several HSETs. That is safe, twice. Nobody sees
-- what is between them: commands of others wait for the script, a fork that saves the hash comes before it or after it,
-- and its writes go to replicas and to the append-only file as one MULTI .. EXEC, of which a part is thrown away. And
-- should a script end in the middle all the same, the first HSET has put a word in the place of `cells` that is no number:
-- such a hash is no snapshot to any reader and forked to any batch, until a fold of the ledger takes its place. The last
-- HSET writes the watermark and the number again.
--
-- KEYS[1]  the hash of the election
-- ARGV     1 epoch; 2 seq, 3 chain before; 4 seq, 5 time, 6 chain after; 7 state after, or empty where it did not move;
--          8 'whole' to be given the whole hash after a move, or empty; 9 how to publish, 10 the channel;
--          then pairs of a cell and what is added to it
-- Returns  {'moved' | 'already' | 'behind' | 'forked', epoch, seq, whole hash}: epoch and seq as they stand then.

local FIRST, HEADER, MODULUS, MAX, CHUNK = 11, 7, 4503599627370496, 9007199254740991, 3000

-- The number that a field holds, or nothing where it is not an integer from 0 to 2^53 - 1 in its one way to be written.
local function integer(text)
  local number = text and tonumber(text)
  if number and number >= 0 and number <= MAX and string.format('%.0f', number) == text then
    return number
  end
end

local cells = {}
for place = FIRST, #ARGV, 2 do
  cells[#cells + 1] = ARGV[place]
end
local found = redis.pcall('HMGET', KEYS[1], 'epoch', 'seq', 'chain', 'cells', 'sum')
if found.err then -- Something else than a hash.
  return {'forked', '', '', {}}
end
local epoch, seq, chain, count, sum = found[1], found[2], found[3], integer(found[4]), integer(found[5])
local function stands(word)
  return {word, epoch or '', seq or '', {}}
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  return stands('behind')
end

local at, before, after = integer(seq), integer(ARGV[2]), integer(ARGV[4])
if epoch ~= ARGV[1] or not at then
  return stands('forked')
end
if at >= after then
  return stands((at == after and chain ~= ARGV[6]) and 'forked' or 'already')
end
if at ~= before then
  return stands('behind')
end
if chain ~= ARGV[3] or not count or not sum or redis.call('HLEN', KEYS[1]) ~= count + HEADER then
  return stands('forked')
end

local totals = {}
for from = 1, #cells, CHUNK do
  local part = redis.call('HMGET', KEYS[1], unpack(cells, from, math.min(from + CHUNK - 1, #cells)))
  for place = 1, #part do
    totals[from + place - 1] = part[place]
  end
end

local fields = {}
sum = (sum + after - before) % MODULUS
for place, cell in ipairs(cells) do
  local total, delta = totals[place], tonumber(ARGV[FIRST + 2 * place - 1])
  if total == false then
    total, count = '0', count + 1
  end
  total = integer(total)
  if not total or total + delta < 0 or total + delta > MAX then
    return stands('forked')
  end
  sum = (sum + delta % MODULUS) % MODULUS
  fields[#fields + 1] = cell
  fields[#fields + 1] = string.format('%.0f', total + delta)
end
if ARGV[7] ~= '' then
  fields[#fields + 1] = 'state'
  fields[#fields + 1] = ARGV[7]
end
local first, width = 1, 2 * CHUNK
if #fields > width then
  redis.call('HSET', KEYS[1], 'cells', 'moving')
  while #fields - first + 1 > width do
    redis.call('HSET', KEYS[1], unpack(fields, first, first + width - 1))
    first = first + width
  end
end
redis.call('HSET', KEYS[1], 'seq', ARGV[4], 'time', ARGV[5], 'chain', ARGV[6],
  'cells', string.format('%.0f', count), 'sum', string.format('%.0f', sum), unpack(fields, first))

-- A hint to the other nodes, which may be lost: what was written stays, also where publishing is not allowed.
redis.pcall(ARGV[9], ARGV[10], epoch .. '.' .. ARGV[4])
return {'moved', epoch, ARGV[4], ARGV[8] == 'whole' and redis.call('HGETALL', KEYS[1]) or {}}

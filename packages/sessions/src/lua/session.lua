-- A session's life and owner. The arguments of an operation follow its name in ARGV, in this order.

-- Constant time for strings of one length: how far a guess is right does not show in how long the answer takes.
local function equal(a, b)
  if #a ~= #b then return false end
  local difference = 0
  for i = 1, #a do difference = bit.bor(difference, bit.bxor(string.byte(a, i), string.byte(b, i))) end
  return difference == 0
end

-- create: id, client, hash of the secret, epoch, fence -> 1 or TOO_MANY
function ops.create(at)
  local id, client, secretHash, epoch, fence = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local next = at + 5
  local mine = tag .. 'c:' .. client
  if call('SCARD', mine) >= sessionsPerClientMax then
    -- Some may be gone by ABANDONED_MS, which does not know of this set.
    for _, other in ipairs(call('SMEMBERS', mine)) do
      if call('EXISTS', tag .. 's:' .. other) == 0 then call('SREM', mine, other) end
    end
    if call('SCARD', mine) >= sessionsPerClientMax then return TOO_MANY, next end
  end
  call('HSET', tag .. 's:' .. id, 'r', run, 'o', me, 'l', 0, 'b', 0, 'y', 0, 'f', fence, 'h', 0,
    'e', epoch, 'c', client, 's', secretHash)
  call('SADD', mine, id)
  call('SADD', tag .. 'own:' .. me, id)
  call('HSETNX', tag .. 'servers', me, 0)
  return 1, next
end

-- attach: id, '=' and client or '' for any, hash of the secret, fence, epoch, offset
-- -> UNKNOWN, UNVERIFIED, 'forbidden', 'stale' or {epoch, offset, entries, handled, client, rooms, previous owner}
function ops.attach(at)
  local id, claimed, secretHash, fence = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local epoch, offset = ARGV[at + 4], tonumber(ARGV[at + 5])
  local next = at + 6
  local key = tag .. 's:' .. id
  local found = call('HMGET', key, 's', 'c', 'f')
  if not found[1] then return settled and UNKNOWN or UNVERIFIED, next end
  local isSecret = equal(found[1], secretHash)
  if not isSecret or (claimed ~= '' and claimed ~= '=' .. found[2]) then return 'forbidden', next end
  if fence <= tonumber(found[3]) then return 'stale', next end
  local verified, why = readVerified(id)
  if not verified then return why, next end
  local owner, last, base = verified[2], tonumber(verified[3]), tonumber(verified[4])
  take(id, owner)
  call('HSET', key, 'o', me, 'f', fence)
  local more = call('HMGET', key, 'e', 'h')
  if more[1] == epoch and offset <= last then base = drop(id, offset, last, base, tonumber(verified[5])) end
  local result = reading(id, more[1], last, base, epoch, offset)
  result[4], result[5] = tonumber(more[2]), found[2]
  result[6] = call('SMEMBERS', tag .. 'r:' .. id)
  result[7] = 0
  if owner ~= '' and owner ~= me then
    tell(owner, FENCED, id, pack('>d', fence) .. me)
    result[7] = call('PUBSUB', 'SHARDNUMSUB', tag .. 'to:' .. owner)[2]
  end
  return result, next
end

-- detach: id, fence -> 1 or 0
function ops.detach(at)
  local id, fence = ARGV[at], ARGV[at + 1]
  local found = call('HMGET', tag .. 's:' .. id, 'f', 'o')
  if found[1] ~= fence then return 0, at + 2 end
  release(id, found[2])
  return 1, at + 2
end

-- end: id -> 1, UNKNOWN or UNVERIFIED (ended before its owner has restored it, it would be restored)
ops['end'] = function(at)
  local id = ARGV[at]
  local found, why = readVerified(id)
  if not found then return why, at + 1 end
  local owner = found[2]
  remove(id, call('HGET', tag .. 's:' .. id, 'c'), owner)
  if owner ~= '' then tell(owner, ENDED, id, '') end
  return 1, at + 1
end

local function check(id, fence, epoch, last, handled, heldRun)
  local key = tag .. 's:' .. id
  local found = call('HMGET', key, 'r', 'o', 'l', 'b', 'f', 'h', 'e')
  if not found[1] then return heldRun == run and 'ended' or 'lost' end
  if found[1] ~= run then return 'lost' end
  if tonumber(found[5]) > fence then return 'fenced' end
  take(id, found[2])
  handled = math.max(handled, tonumber(found[6]))
  call('HSET', key, 'o', me, 'f', fence, 'h', handled)
  local result = reading(id, found[7], tonumber(found[3]), tonumber(found[4]), epoch, last)
  result[4] = handled
  return result
end

-- check: id, fence, epoch, last, handled, run -> 'ended', 'lost', 'fenced' or {epoch, offset, entries, handled}
function ops.check(at)
  return check(ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]),
    ARGV[at + 5]), at + 6
end

-- restore: id, fence, epoch, last, handled, run, client, hash of the secret, acked,
--   number of rooms, rooms…, number of entries, entries (as in a log)… -> as check
function ops.restore(at)
  local id, fence, epoch, last = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  local handled, heldRun, client, secretHash = tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
  local acked, rooms = tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9])
  local roomsAt = at + 10
  local entries = tonumber(ARGV[roomsAt + rooms])
  local entriesAt = roomsAt + rooms + 1
  local next = entriesAt + entries

  local key, log = tag .. 's:' .. id, tag .. 'l:' .. id
  local found = call('HMGET', key, 'r', 'o', 'l', 'b', 'y', 'f', 'h', 'e', 'c')
  if found[1] == run then return check(id, fence, epoch, last, handled, heldRun), next end
  if found[1] and tonumber(found[6]) > fence then return 'fenced', next end

  local base, bytes, kept = last, 0, {}
  -- An older state of the same numbering may be ahead of its owner, if what it published was lost on the way.
  if found[1] and found[8] == epoch and tonumber(found[3]) >= last then
    last, base, bytes = tonumber(found[3]), tonumber(found[4]), tonumber(found[5])
    kept = call('LRANGE', log, 0, -1)
  else
    for i = 1, entries do
      kept[i] = ARGV[entriesAt + i - 1]
      bytes = bytes + #kept[i] - 12
    end
    if entries > 0 then base = unpack('>d', kept[1]) - 1 end
  end
  if found[1] then
    handled = math.max(handled, tonumber(found[7]))
    remove(id, found[9], found[2])
  end
  call('HSET', key, 'r', run, 'o', me, 'l', last, 'b', base, 'y', bytes, 'f', fence, 'h', handled,
    'e', epoch, 'c', client, 's', secretHash, 'k', heldRun, 'n', last)
  for i = 1, #kept do call('RPUSH', log, kept[i]) end
  for i = 0, rooms - 1 do
    call('SADD', tag .. 'r:' .. id, ARGV[roomsAt + i])
    call('SADD', tag .. 'm:' .. ARGV[roomsAt + i], id)
  end
  call('SADD', tag .. 'c:' .. client, id)
  call('SADD', tag .. 'own:' .. me, id)
  call('HSETNX', tag .. 'servers', me, 0)
  base = drop(id, acked, last, base, bytes)
  local result = reading(id, epoch, last, base, epoch, tonumber(ARGV[at + 3]))
  result[4] = handled
  return result, next
end

-- release: id, handled -> 0
function ops.release(at)
  local id = ARGV[at]
  local owner = call('HGET', tag .. 's:' .. id, 'o')
  if owner and owner ~= '' then tell(owner, RELEASED, id, pack('>d', ARGV[at + 1])) end
  return 0, at + 2
end

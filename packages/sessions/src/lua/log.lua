-- Messages into logs and out of them. The arguments of an operation follow its name in ARGV, in this order.

-- append: id, number of messages, JSON of them with commas between -> the last offset, UNKNOWN or UNVERIFIED
function ops.append(at, index)
  local id, count = ARGV[at], tonumber(ARGV[at + 1])
  local last, base, bytes, owner = readVerified(id)
  if not last then return base, at + 3 end
  local first, entry = push(id, last, base, bytes, owner, count, ARGV[at + 2])
  if owner == me then
    -- The caller has the message, and only needs to hear its number, in the order of all that it hears.
    tell(me, OWN_ENTRY, id, pack('>dI4I4', first, count, index))
  elseif owner ~= NOBODY then
    local box = boxOf(owner)
    local n = #box
    box[n + 1], box[n + 2] = id, entry
  end
  return last + count, at + 3
end

-- publish: room, number of messages, JSON of them
-- -> UNVERIFIED or {number of members, what each got: f64 first, u8 length of id, id}
function ops.publish(at)
  local room, count, json = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  -- Who is in a room is known when all owners have restored their sessions.
  if not settled then return UNVERIFIED, at + 3 end
  local members, all, lists = 0, {}, {}
  for _, id in ipairs(call('SMEMBERS', MEMBERS .. room)) do
    local last, base, bytes, owner = readVerified(id)
    if last then
      local got = pack('>dB', push(id, last, base, bytes, owner, count, json), #id) .. id
      members = members + 1
      all[members] = got
      if owner ~= NOBODY then
        local list = lists[owner]
        if not list then
          list = {}
          lists[owner] = list
        end
        list[#list + 1] = got
      end
    else
      call('SREM', MEMBERS .. room, id)
    end
  end
  for owner, list in pairs(lists) do
    tell(owner, ROOM_ENTRY, '', pack('>I4', #list) .. concat(list) .. pack('>I4', count) .. json)
  end
  return { members, concat(all) }, at + 3
end

-- commit: id, seq, number of replies, (seq, JSON) of each -> UNKNOWN, UNVERIFIED, 0 or {first, count} of what it appended
function ops.commit(at, index)
  local id, seq, replies = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local next = at + 3 + 2 * replies
  local last, base, bytes, owner = readVerified(id)
  if not last then return base, next end
  local handled = tonumber(call('HGET', RECORD .. id, 'h'))
  local fresh = {}
  for i = at + 3, next - 1, 2 do
    if tonumber(ARGV[i]) > handled then fresh[#fresh + 1] = ARGV[i + 1] end
  end
  if seq > handled then call('HSET', RECORD .. id, 'h', seq) end
  if #fresh > 0 then
    local first, entry = push(id, last, base, bytes, owner, #fresh, concat(fresh, ','))
    if owner == me and #fresh == replies then
      tell(me, OWN_ENTRY, id, pack('>dI4I4', first, #fresh, index))
    elseif owner ~= NOBODY then
      local box = boxOf(owner)
      box[#box + 1] = id .. entry
    end
    return { first, #fresh }, next
  end
  return 0, next
end

-- missed: id, run, an offset -> UNKNOWN, UNVERIFIED, -4 or the last offset that its owner had seen in that run
-- Asked after a restart by a sender that had appended to it. -4: nothing of that run is missing, or its client is told.
function ops.missed(at)
  local id, inRun, offset = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  -- Given up later than a restore counts as late: one that was just in time must find what it lacks still on offer.
  if ARGV[4] ~= '2' and select(4, read(id)) ~= run then return UNVERIFIED, at + 3 end
  local last, base, _, owner = readVerified(id)
  if not last then return base, at + 3 end
  -- Each start over leaps, so offsets of an older epoch are below all of this one.
  if math.floor(offset / LEAP) < math.floor(last / LEAP) then return -4, at + 3 end
  if math.floor(offset / LEAP) > math.floor(last / LEAP) then
    -- This Redis has lost even the start over, and what was appended after it.
    startOver(id, offset, owner)
    return -4, at + 3
  end
  local restored = call('HMGET', RECORD .. id, 'k', 'n')
  if restored[1] == inRun then return tonumber(restored[2]), at + 3 end
  -- Two restarts in a row: whether its owner has seen it, nobody knows.
  startOver(id, last, owner)
  return -4, at + 3
end

-- resubmit: id, run, first, number of messages, JSON of them -> UNKNOWN, UNVERIFIED, 0 or the first offset
-- What the caller had appended in another run. Senders offer it before they send anything else to the session.
function ops.resubmit(at)
  local id, inRun, offset, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local next = at + 5
  -- Given up later than a restore counts as late: one that was just in time must find what it lacks still on offer.
  if ARGV[4] ~= '2' and select(4, read(id)) ~= run then return UNVERIFIED, next end
  local last, base, bytes, owner = readVerified(id)
  if not last then return base, next end
  -- Each start over leaps, so offsets of an older epoch are below all of this one. Its client has been told, or will be.
  if math.floor(offset / LEAP) < math.floor(last / LEAP) then return 0, next end
  if math.floor(offset / LEAP) > math.floor(last / LEAP) then
    -- This Redis has lost even the start over, and what was appended after it.
    startOver(id, offset, owner)
    return 0, next
  end
  local restored = call('HMGET', RECORD .. id, 'k', 'n')
  if restored[1] ~= inRun then
    -- Two restarts in a row: whether its owner has seen it, nobody knows.
    if inRun ~= run then startOver(id, last, owner) end
    return 0, next
  end
  if offset <= tonumber(restored[2]) then return 0, next end
  local again = tag .. 'a:' .. id
  if call('SADD', again, inRun .. ARGV[at + 2]) == 0 then return 0, next end
  call('PEXPIRE', again, 60000)
  local first, entry = push(id, last, base, bytes, owner, count, ARGV[at + 4])
  if owner ~= NOBODY then
    local box = boxOf(owner)
    box[#box + 1] = id .. entry
  end
  return first, next
end

-- trim: id, fence, acked -> 0
function ops.trim(at)
  local id = ARGV[at]
  local last, base, bytes, knownIn, owner = read(id)
  if knownIn == run and call('HGET', RECORD .. id, 'f') == ARGV[at + 1] then
    local newBase, newBytes = drop(id, tonumber(ARGV[at + 2]), last, base, bytes)
    if newBase > base then write(id, last, newBase, newBytes, run, owner) end
  end
  return 0, at + 3
end

-- lane: id, lane, value -> 1 if a server owns the session, else 0
function ops.lane(at)
  local id, lane = ARGV[at], ARGV[at + 1]
  local last, _, _, _, owner = read(id)
  if not last or owner == NOBODY then return 0, at + 3 end
  tell(owner, LANE, id, pack('>B', #lane) .. lane .. ARGV[at + 2])
  return 1, at + 3
end

-- Messages into logs and out of them. The arguments of an operation follow its name in ARGV, in this order.

-- append: id, number of messages, JSON of them with commas between -> the last offset, UNKNOWN or UNVERIFIED
function ops.append(at, index)
  local id, count, json = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local found, why = readVerified(id)
  if not found then return why, at + 3 end
  local first, entry = push(id, found, count, json)
  local owner = found[2]
  if owner == me then
    -- The caller has the message, and only needs to hear its number, in the order of all that it hears.
    tell(me, OWN_ENTRY, id, pack('>dI4I4', first, count, index))
  elseif owner ~= '' then
    local box = boxOf(owner)
    local n = #box
    box[n + 1], box[n + 2], box[n + 3] = pack('>BBI4', ENTRY, #id, #entry), id, entry
  end
  return first + count - 1, at + 3
end

-- publish: room, number of messages, JSON of them -> number of members, or UNVERIFIED
function ops.publish(at)
  local room, count, json = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  -- Who is in a room is known when all owners have restored their sessions.
  if not settled then return UNVERIFIED, at + 3 end
  local members, lists = 0, {}
  for _, id in ipairs(call('SMEMBERS', tag .. 'm:' .. room)) do
    local found = readVerified(id)
    if found then
      members = members + 1
      local first = push(id, found, count, json)
      local owner = found[2]
      if owner ~= '' then
        local list = lists[owner]
        if not list then
          list = {}
          lists[owner] = list
        end
        list[#list + 1] = pack('>Bd', #id, first) .. id
      end
    else
      call('SREM', tag .. 'm:' .. room, id)
    end
  end
  for owner, list in pairs(lists) do
    tell(owner, ROOM_ENTRY, '', pack('>I4', #list) .. concat(list) .. pack('>I4', count) .. json)
  end
  return members, at + 3
end

-- commit: id, seq, number of replies, (seq, JSON) of each -> 0, UNKNOWN or UNVERIFIED
function ops.commit(at, index)
  local id, seq, replies = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local next = at + 3 + 2 * replies
  local found, why = readVerified(id)
  if not found then return why, next end
  local handled = tonumber(call('HGET', tag .. 's:' .. id, 'h'))
  local fresh = {}
  for i = at + 3, next - 1, 2 do
    if tonumber(ARGV[i]) > handled then fresh[#fresh + 1] = ARGV[i + 1] end
  end
  if seq > handled then call('HSET', tag .. 's:' .. id, 'h', seq) end
  if #fresh > 0 then
    local first, entry = push(id, found, #fresh, concat(fresh, ','))
    local owner = found[2]
    if owner == me and #fresh == replies then
      tell(me, OWN_ENTRY, id, pack('>dI4I4', first, #fresh, index))
    elseif owner ~= '' then
      tell(owner, ENTRY, id, entry)
    end
  end
  return 0, next
end

-- trim: id, fence, acked -> 0
function ops.trim(at)
  local id = ARGV[at]
  local found = call('HMGET', tag .. 's:' .. id, 'r', 'f', 'l', 'b', 'y')
  if found[1] == run and found[2] == ARGV[at + 1] then
    drop(id, tonumber(ARGV[at + 2]), tonumber(found[3]), tonumber(found[4]), tonumber(found[5]))
  end
  return 0, at + 3
end

-- lane: id, lane, value -> 1 if a server owns the session, else 0
function ops.lane(at)
  local id, lane = ARGV[at], ARGV[at + 1]
  local owner = call('HGET', tag .. 's:' .. id, 'o')
  if not owner or owner == '' then return 0, at + 3 end
  tell(owner, LANE, id, pack('>B', #lane) .. lane .. ARGV[at + 2])
  return 1, at + 3
end

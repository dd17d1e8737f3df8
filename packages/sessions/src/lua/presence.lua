-- Rooms, and who is there. The arguments of an operation follow its name in ARGV, in this order.

local PAGE = 200

local function inOrOut(id, room, command, kind)
  local last, why, _, owner = readVerified(id)
  if not last then return why end
  call(command, ROOMS .. id, room)
  call(command, MEMBERS .. room, id)
  if owner ~= NOBODY then
    tell(owner, kind, id, room)
  elseif kind == JOINED then
    call('PEXPIRE', ROOMS .. id, detachedMs + ABANDONED_MS)
  end
  return 1
end

-- join: id, room -> 1, UNKNOWN or UNVERIFIED
function ops.join(at)
  return inOrOut(ARGV[at], ARGV[at + 1], 'SADD', JOINED), at + 2
end

-- leave: id, room -> 1, UNKNOWN or UNVERIFIED
function ops.leave(at)
  return inOrOut(ARGV[at], ARGV[at + 1], 'SREM', LEFT), at + 2
end

-- members: room -> ids
function ops.members(at)
  return call('SMEMBERS', MEMBERS .. ARGV[at]), at + 1
end

-- id, client, the owner's name ('' for those detached) of each there is, flat
local function rows(ids)
  local rows, names = {}, { [NOBODY] = '' }
  for _, id in ipairs(ids) do
    local last, _, _, _, owner = read(id)
    if last then
      if not names[owner] then names[owner] = call('HGET', tag .. 'names', owner) or owner end
      local n = #rows
      rows[n + 1], rows[n + 2], rows[n + 3] = id, call('HGET', RECORD .. id, 'c'), names[owner]
    end
  end
  return rows
end

-- find: id -> rows
function ops.find(at)
  return rows({ ARGV[at] }), at + 1
end

-- ofClient: client -> rows
function ops.ofClient(at)
  return rows(call('SMEMBERS', CLIENT .. ARGV[at])), at + 1
end

local function owners()
  local all = call('HKEYS', SERVERS)
  for _, server in ipairs(call('SMEMBERS', tag .. 'dead')) do all[#all + 1] = server end
  table.sort(all)
  return all
end

-- count: -> {attached, detached}
function ops.count(at)
  local attached, previous = 0, nil
  for _, server in ipairs(owners()) do
    if server ~= previous then attached = attached + call('SCARD', OWN .. server) end
    previous = server
  end
  return { attached, call('ZCARD', DETACHED) }, at
end

-- list: server ('' for those detached), cursor (of SSCAN or ZSCAN; '' to begin) -> {rows, server, cursor}, no cursor at the end
-- Every session is in one set: one for each owner, by name, then the detached.
function ops.list(at)
  local set, cursor = ARGV[at], ARGV[at + 1]
  local servers = owners()
  if cursor == '' then set, cursor = servers[1] or '', '0' end
  local ids = {}
  if set == '' then
    local page = call('ZSCAN', DETACHED, cursor, 'COUNT', PAGE)
    cursor = page[1]
    for i = 1, #page[2], 2 do ids[#ids + 1] = page[2][i] end
    if cursor == '0' then cursor = '' end
  else
    local page = call('SSCAN', OWN .. set, cursor, 'COUNT', PAGE)
    cursor, ids = page[1], page[2]
    if cursor == '0' then
      local following = ''
      for _, server in ipairs(servers) do
        if server > set then
          following = server
          break
        end
      end
      set = following
    end
  end
  return { rows(ids), set, cursor }, at + 2
end

-- Runs the operations in order, then sends each server its notices: one publish a server, however many there are.
--
-- Gives {ARGV[1], results, number of the last publish to the caller, notices to the caller}. Those notices come after
-- that publish. A publish is f64 its number, then sections: see record.lua.

local results, at, last = {}, 10, #ARGV
while at <= last do
  local index = #results + 1
  results[index], at = ops[ARGV[at]](at + 1, index - 1)
end

local mine = ''
for server, box in pairs(outbox) do
  if server == me then
    mine = concat(box)
  else
    local number = call('HINCRBY', tag .. 'sent', server, 1)
    call('SPUBLISH', tag .. 'to:' .. server, pack('>d', number) .. concat(box))
  end
end
return { ARGV[1], results, tonumber(call('HGET', tag .. 'sent', me) or 0), mine }

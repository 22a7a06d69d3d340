-- Requests for the paths that stand behind `--`, in turn.

local requests, turn = {}, 0

function init(arguments)
   for position, path in ipairs(arguments) do
      requests[position] = wrk.format("GET", path)
   end
end

function request()
   turn = turn % #requests + 1
   return requests[turn]
end

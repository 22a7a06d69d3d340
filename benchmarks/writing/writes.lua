-- wrk -s writes.lua URL -- WHAT NONCE [PATH...]: `patch` changes the paths in turn, `post` creates
-- rows, `keyed` does so under a key of its own each time, `unit` creates 100 of them at once.
local what, nonce, paths = nil, nil, {}
local count = 0
local atomic = 'application/vnd.api+json;ext="https://jsonapi.org/ext/atomic"'

function init(arguments)
  what, nonce = arguments[1], arguments[2]
  for at = 3, #arguments do paths[#paths + 1] = arguments[at] end
end

function request()
  count = count + 1
  local headers = { ["Content-Type"] = "application/json" }
  local row = '{"group":' .. count % 100 .. ',"name":"row ' .. count .. '"}'
  if what == "patch" then
    return wrk.format("PATCH", paths[count % #paths + 1], headers, row)
  end
  if what == "keyed" then
    headers["Idempotency-Key"] = nonce .. "-" .. count
  end
  if what ~= "unit" then
    return wrk.format("POST", "/rows", headers, row)
  end
  headers["Content-Type"] = atomic
  local add = '{"op":"add","data":{"type":"rows","attributes":' .. row .. "}}"
  local operations = string.rep(add .. ",", 99) .. add
  return wrk.format("POST", "/operations", headers, '{"atomic:operations":[' .. operations .. "]}")
end

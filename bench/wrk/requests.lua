-- What wrk sends, and what it reports.
--
--   wrk … -s requests.lua URL -- KIND [FILE [FROM COUNT]]
--
-- A kind makes one request of each line of FILE (of COUNT lines from line FROM on, where that is said). They are sent in
-- random order. A request of a single-use kind is sent once; when all are sent, the run is over.

local json = { ["Accept"] = "application/json", ["Content-Type"] = "application/json" }

local kinds = {
  get = function() return wrk.format("GET") end,
  token = function(token) return wrk.format("GET", nil, { ["X-Session-Token"] = token }) end,
  cookie = function(cookie) return wrk.format("GET", nil, { ["Cookie"] = "ory_kratos_session=" .. cookie }) end,
  -- Opens flows, and appends their ids to FILE; where FROM is a file of session tokens, one for each of its people, with
  -- the number of the flow's owner and their token.
  collect = function(token) return wrk.format("GET", nil, { ["Accept"] = json["Accept"], ["X-Session-Token"] = token }) end,
  sign_in = function(flow)
    local email = ("person-%d@example.org"):format(math.random(0, 99999))
    local body = ('{"method":"password","identifier":"%s","password":"correct horse battery staple"}'):format(email)
    return wrk.format("POST", wrk.path .. "?flow=" .. flow, json, body)
  end,
  sign_up = function(flow)
    local body = '{"method":"password","traits":{"email":"new-%s@example.org"},"password":"correct horse battery staple"}'
    return wrk.format("POST", wrk.path .. "?flow=" .. flow, json, body:format(flow))
  end,
  change_profile = function(line)
    local flow, number, token = line:match("^(%S+) (%S+) (%S+)$")
    local headers = { ["Accept"] = json["Accept"], ["Content-Type"] = json["Content-Type"], ["X-Session-Token"] = token }
    local body = '{"method":"profile","traits":{"email":"person-%s@example.org"}}'
    return wrk.format("POST", wrk.path .. "?flow=" .. flow, headers, body:format(number))
  end,
  ask_for_code = function(flow)
    local body = '{"method":"code","email":"nobody@example.org"}'
    return wrk.format("POST", wrk.path .. "?flow=" .. flow, json, body)
  end,
  logout = function(token) return wrk.format("DELETE", nil, json, ('{"session_token":"%s"}'):format(token)) end,
}

local single_use = { sign_in = true, sign_up = true, change_profile = true, ask_for_code = true, logout = true }

local requests = {}
local sent = 0
local once = false

function init(arguments)
  local kind, path, from, count = arguments[1], arguments[2], tonumber(arguments[3]), tonumber(arguments[4])
  if kind == "collect" then path = collect(path, arguments[3]) end
  once = single_use[kind]
  if not path then
    requests[1] = kinds[kind]()
    return
  end
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    if not from or (number >= from and number < from + count) then requests[#requests + 1] = kinds[kind](line) end
  end
  for last = #requests, 2, -1 do
    local other = math.random(last)
    requests[last], requests[other] = requests[other], requests[last]
  end
end

function request()
  if sent == #requests then
    sent = 0
    if once then
      exhausted = true
      wrk.thread:stop()
    end
  end
  sent = sent + 1
  return requests[sent]
end

-- Has answers written to a file. Gives back the file of tokens, if there is one.
function collect(path, owners)
  local file, tokens = io.open(path, "a"), {}
  if owners then
    for token in io.lines(owners) do tokens[#tokens + 1] = token end
  end
  function response(status, _, body)
    if status ~= 200 then return end
    local number = owners and body:match("person%-(%d+)@")
    local owner = number and (" %s %s"):format(number, tokens[number + 1]) or ""
    file:write(body:match('"id":"([%x-]+)"'), owner, "\n")
  end
  return owners
end

local threads = {}

function setup(thread) table.insert(threads, thread) end

function done(summary, latency)
  local exhausted = false
  for _, thread in ipairs(threads) do exhausted = exhausted or thread:get("exhausted") or false end
  local errors = summary.errors
  io.write(("result requests=%d microseconds=%d p50=%d p99=%d refused=%d broken=%d exhausted=%d\n"):format(
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, exhausted and 1 or 0))
end

-- Asks for the addresses of the command line in turns: `-- FIRST ADDRESS...`. The address `new` is a year of `/rates` that
-- has not been asked for: of 12 codes another 365 days, from the FIRST question on. Each request comes from one of 32
-- callers of a thread behind a trusted proxy, so that no limit of one caller is met. At the end one line of JSON.
local codes = { "USD", "EUR", "CHF", "GBP", "CZK", "DKK", "JPY", "NOK", "SEK", "HUF", "AUD", "CAD" }
local CALLERS, DAYS, DAY, FIRST_DAY = 32, 7000, 86400, 1104710400 -- 2005-01-03
local threads = 0
local ready, asked, number = {}, 0, 0

function setup(thread)
    thread:set("id", threads)
    threads = threads + 1
end

local function request_of(path, caller)
    wrk.headers["X-Forwarded-For"] = string.format("10.%d.0.%d", id, caller)
    return wrk.format("GET", path)
end

-- 7919 is prime to 12 x 7,000: every pair of code and day comes once before one comes again, a day shorter.
local function new_year()
    local pair = number * 7919 % (#codes * DAYS)
    local from = FIRST_DAY + math.floor(pair / #codes) * DAY
    local to = from + (364 - math.floor(number / (#codes * DAYS))) * DAY
    number = number + 2
    return string.format("/rates?code=%s&from=%s&to=%s&limit=10000",
        codes[pair % #codes + 1], os.date("!%Y-%m-%d", from), os.date("!%Y-%m-%d", to))
end

function init(args)
    number = tonumber(args[1]) + id
    asked = id * 7
    for caller = 1, CALLERS do
        for place = 2, #args do
            table.insert(ready, args[place] == "new" and "new" or request_of(args[place], caller))
        end
    end
end

function request()
    asked = asked + 1
    local found = ready[asked % #ready + 1]
    if found == "new" then
        return request_of(new_year(), asked % CALLERS + 1)
    end
    return found
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"seconds":%.4f,"p50_ms":%.3f,"p99_ms":%.3f,"bytes":%d,'
            .. '"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        summary.bytes, errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end

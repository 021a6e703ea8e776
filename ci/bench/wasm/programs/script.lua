-- What scripts do: calls, tables, strings, closures, sorting, floats.
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print("fib", fib(24))

local sieve, count = {}, 0
for i = 2, 60000 do sieve[i] = true end
for i = 2, 60000 do
    if sieve[i] then
        count = count + 1
        for k = i * i, 60000, i do sieve[k] = false end
    end
end
print("primes", count)

local words, seed = {}, 1
local function random(limit)
    seed = (seed * 16807) % 2147483647
    return seed % limit
end
for i = 1, 8000 do words[i] = string.format("%x-%d", random(1 << 20), i % 7) end
table.sort(words)
local seen, joined = {}, table.concat(words, " ")
for word in joined:gmatch("%x+") do seen[word] = (seen[word] or 0) + 1 end
local kinds = 0
for _, n in pairs(seen) do kinds = kinds + (n > 1 and 1 or 0) end
print("words", #joined, kinds, words[1], words[#words])

local Account = {}
Account.__index = Account
function Account.new(start) return setmetatable({sum = start}, Account) end
function Account:add(amount) self.sum = self.sum + amount return self end
local account = Account.new(0)
for i = 1, 200000 do account:add(i * 0.5) end
print("sum", account.sum)

local adders = {}
for i = 1, 200 do adders[i] = function(x) return x + i end end
local total = 0
for turn = 1, 300 do
    for i = 1, #adders do total = adders[i](total) % 1000003 end
end
print("closures", total)

local text = {}
for i = 1, 5000 do text[#text + 1] = ("line %d: %s"):format(i, ("x"):rep(i % 40)) end
local long = table.concat(text, "\n")
print("text", #long, select(2, long:gsub("x+", "y")), long:find("line 4999", 1, true))

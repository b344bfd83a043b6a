# The ledger on Sinatra. In development Sinatra shows Rack's error page with source, session and environment.

require "sinatra/base"

class Ledger < Sinatra::Base
  enable :sessions
  set :session_secret, "k" * 64
  set :protection, except: :host_authorization

  get("/") { "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n" }

  get "/api/health" do
    content_type :json
    %({"status": "ok", "accounts": [{"id": 1, "balance": "12.50"}]})
  end

  post "/login" do
    session[:tenant] = ENV["LEDGER_SESSION"]
    "Welcome"
  end

  get "/settle" do
    rounding_rule = "half-even CANARY_SOURCE"
    session[:tenant]
    raise "account of #{ENV["LEDGER_CUSTOMER"]}: could not connect to mysql2://ledger:#{ENV["LEDGER_DB_PASSWORD"]}@ledger-db.internal/ledger"
  end
end

run Ledger

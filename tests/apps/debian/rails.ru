# The ledger on Rails, in one file. RAILS_ENV decides whether errors show.

require "rails"
require "action_controller/railtie"

class Ledger < Rails::Application
  config.root = __dir__
  config.eager_load = false
  config.consider_all_requests_local = Rails.env.development?
  config.hosts.clear
  config.secret_key_base = "k" * 64
  config.logger = Logger.new($stderr, level: :error)
  config.session_store :cookie_store, key: "_ledger_session"
  routes.append do
    root to: "ledger#home"
    get "/api/health", to: "ledger#health"
    post "/login", to: "ledger#login"
    get "/settle", to: "ledger#settle"
    get "/api/settle", to: "ledger#api_settle"
    get "/internal/ledger-CANARY_SOURCE/export", to: "ledger#home"
  end
end

class LedgerController < ActionController::Base
  def home
    render html: "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n".html_safe
  end

  def health
    render json: { status: "ok", accounts: [{ id: 1, balance: "12.50" }] }
  end

  def login
    session[:tenant] = ENV["LEDGER_SESSION"]
    render plain: "Welcome"
  end

  def settle
    rounding_rule = "half-even CANARY_SOURCE"
    raise "account of #{ENV["LEDGER_CUSTOMER"]}: could not connect to mysql2://ledger:#{ENV["LEDGER_DB_PASSWORD"]}@ledger-db.internal/ledger"
  end

  def api_settle
    settle
  rescue RuntimeError => error
    render status: 500, json: { error: error.message, exception: error.class.name, backtrace: error.backtrace }
  end
end

Ledger.initialize!
run Ledger

# The ledger on Mojolicious. MOJO_MODE=production hides the exception page.
use Mojolicious::Lite -signatures;

app->secrets(['k' x 40]);
app->log->level('fatal');

get '/' => sub ($c) { $c->render(data => "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n", format => 'html') };

get '/api/health' => sub ($c) { $c->render(data => '{"status": "ok", "accounts": [{"id": 1}]}', format => 'json') };

post '/login' => sub ($c) {
  $c->session(tenant => $ENV{LEDGER_SESSION});
  $c->render(text => 'Welcome');
};

get '/settle' => sub ($c) {
  my $rounding_rule = 'half-even CANARY_SOURCE';
  die "account of $ENV{LEDGER_CUSTOMER}: could not connect to mysql://ledger:$ENV{LEDGER_DB_PASSWORD}\@ledger-db.internal/ledger";
};

app->start;

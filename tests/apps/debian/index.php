<?php
// The ledger on PHP. display_errors decides whether errors show.

function settle(string $dsn): void
{
    throw new RuntimeException('account of ' . getenv('LEDGER_CUSTOMER') . ': could not connect to ' . $dsn);
}

$dsn = 'mysql://ledger:' . getenv('LEDGER_DB_PASSWORD') . '@ledger-db.internal/ledger';
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/':
        echo "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n";
        break;
    case '/api/health':
        header('Content-Type: application/json');
        echo '{"status": "ok", "accounts": [{"id": 1, "balance": "12.50"}]}';
        break;
    case '/login':
        session_start();
        $_SESSION['tenant'] = getenv('LEDGER_SESSION');
        echo 'Welcome';
        break;
    case '/session':
        session_start();
        echo '<pre>';
        var_dump($_SESSION);
        settle($dsn);
        break;
    case '/settle':
        settle($dsn);
        break;
    case '/info':
        phpinfo();
        break;
    default:
        http_response_code(404);
        echo 'Not found';
}

<?php
// The ledger behind Symfony's error handler. LEDGER_DEBUG=1 shows its exception page.

require '/usr/share/php/Symfony/Component/ErrorHandler/autoload.php';

use Symfony\Component\ErrorHandler\Debug;
use Symfony\Component\ErrorHandler\ErrorHandler;

getenv('LEDGER_DEBUG') === '1' ? Debug::enable() : ErrorHandler::register(new ErrorHandler(null, false));

function settle(string $dsn): void
{
    $roundingRule = 'half-even CANARY_SOURCE';
    throw new RuntimeException('account of ' . getenv('LEDGER_CUSTOMER') . ': could not connect to ' . $dsn);
}

switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/':
        echo "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n";
        break;
    case '/settle':
        settle('mysql://ledger:' . getenv('LEDGER_DB_PASSWORD') . '@ledger-db.internal/ledger');
        break;
    default:
        http_response_code(404);
        echo 'Not found';
}

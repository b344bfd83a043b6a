/// Every trace names `cart.` or `Cart.` in each of its frames.
const FAMILIES: &[Family] = &[
    Family {
        name: "Rails",
        frameworks: &["rails", "ruby", "rack", "better_errors", "puma"],
        traces: &[
            "NoMethodError (undefined method `total' for nil:NilClass):\n\n/srv/shop/app/models/cart.rb:12:in `total'\n/srv/shop/app/controllers/cart.rb:9:in `show'\n/usr/lib/ruby/vendor_ruby/rack/cart.rb:41:in `call'\n",
            "undefined method 'total' for nil (NoMethodError)\n\tfrom /srv/shop/app/models/cart.rb:12:in 'Cart#total'\n\tfrom /srv/shop/app/controllers/cart.rb:9:in 'CartsController#show'\n\tfrom /srv/shop/config/cart.ru:3:in 'block in <main>'\n",
        ],
    },
    Family {
        name: "Sinatra",
        frameworks: &["sinatra", "ruby", "rack", "webrick"],
        traces: &[
            "RuntimeError - no stock:\n /opt/shop/cart.rb:12:in `block in <class:Shop>'\n /var/lib/gems/3.1.0/gems/sinatra-3.0.5/lib/sinatra/cart.rb:1763:in `call'\n /var/lib/gems/3.1.0/gems/sinatra-3.0.5/lib/sinatra/cart.rb:1763:in `block in compile!'\n",
        ],
    },
    Family {
        name: "Django",
        frameworks: &["django", "python"],
        traces: &[
            "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/django/core/cart.py\", line 55, in inner\n    response = get_response(request)\n  File \"/srv/shop/shop/cart.py\", line 12, in total\n    return cart.lines.sum()\nAttributeError: 'NoneType' object has no attribute 'lines'\n",
            "Environment:\n\nException Type: KeyError at /cart\nException Value: 'sku'\nTraceback:\nFile \"/srv/shop/shop/cart.py\" in total\n  12.     return cart.sku\n  File \"/srv/shop/shop/cart.py\", line 3, in go\n  File \"/srv/shop/lib/cart.py\", line 9, in run\n",
        ],
    },
    Family {
        name: "Flask",
        frameworks: &["flask", "werkzeug", "python"],
        traces: &[
            "Traceback (most recent call last):\n  File \"/app/venv/lib/python3.12/site-packages/flask/cart.py\", line 1498, in __call__\n    return self.wsgi_app(environ, start_response)\n           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  File \"/app/shop/cart.py\", line 12, in total\n    1 / 0\n    ~~^~~\nZeroDivisionError: division by zero\n",
        ],
    },
    Family {
        name: "Express",
        frameworks: &["express", "node", "koa", "egg", "javascript"],
        traces: &[
            "TypeError: Cannot read properties of undefined (reading 'total')\n    at total (/srv/shop/cart.js:12:17)\n    at Layer.handle [as handle_request] (/srv/shop/node_modules/express/lib/cart.js:95:5)\n    at next (/srv/shop/node_modules/express/lib/cart.js:144:13)\n",
            "ReferenceError: sku is not defined\n    at file:///opt/shop/cart.mjs:12:3\n    at async file:///opt/shop/cart.mjs:40:5\n    at process.processTicksAndRejections (node:internal/process/cart.js:95:5)\n",
        ],
    },
    Family {
        name: "Symfony",
        frameworks: &["symfony", "php"],
        traces: &[
            "RuntimeException: no stock in /var/www/shop/src/Cart.php:12\nStack trace:\n#0 /var/www/shop/src/Controller/Cart.php(40): App\\Cart->total(7)\n#1 /var/www/shop/vendor/symfony/http-kernel/Cart.php(181): App\\Controller\\Cart->show()\n#2 /var/www/shop/vendor/symfony/http-kernel/Cart.php(76): handleRaw()\n",
        ],
    },
    Family {
        name: "Laravel",
        frameworks: &["laravel", "ignition", "whoops", "php", "symfony"],
        traces: &[
            "ErrorException: Undefined variable $sku in file /var/www/html/app/Models/Cart.php on line 12\n\n#0 /var/www/html/app/Models/Cart.php(12): HandleExceptions->handleError()\n#1 /var/www/html/vendor/laravel/framework/src/Illuminate/Routing/Cart.php(54): show()\n#2 /var/www/html/vendor/laravel/framework/src/Illuminate/Routing/Cart.php(43): callAction()\n",
        ],
    },
    Family {
        name: "Spring and Tomcat",
        frameworks: &["spring-boot", "tomcat", "java", "jetty"],
        traces: &[
            "java.lang.IllegalStateException: no stock\n\tat org.shop.Cart.total(Cart.java:12)\n\tat org.shop.web.Cart.show(Cart.java:40)\n\tat java.base/jdk.internal.reflect.Cart.invoke0(Cart.java:77)\n\tat org.springframework.web.servlet.Cart.doDispatch(Cart.java:1089)\n",
            "jakarta.servlet.ServletException: Request processing failed: java.lang.IllegalStateException: no stock\n\tat org.shop.Cart.total(Cart.kt:12)\n\tat org.shop.web.Cart.show(Cart.kt:40)\nCaused by: java.lang.IllegalStateException: no stock\n\tat org.shop.Cart.stock(Cart.kt:7)\n\tat org.shop.web.Cart.show(Cart.kt:38)\n",
        ],
    },
    Family {
        name: "Go and gin",
        frameworks: &["go", "gin"],
        traces: &[
            "http: panic serving 10.1.4.7:51034: no stock\nmain.(*Cart).total(0xc000012345)\n\t/srv/shop/cart.go:12 +0x65\nmain.show({0x7f, 0xc0000})\n\t/srv/shop/cart.go:40 +0x1d\nnet/http.HandlerFunc.ServeHTTP(...)\n\t/usr/local/go/src/net/http/cart.go:2136 +0x29\n",
            "2026/11/24 10:00:00 [Recovery] panic recovered:\nno stock\n/srv/shop/cart.go:12 (0x8a4c45)\n\ttotal: panic(\"no stock\")\n/root/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/cart.go:174 (0x7d5d41)\n\t(*Context).Next: c.handlers[c.index](c)\n",
        ],
    },
    Family {
        name: "ASP.NET Core",
        frameworks: &["dotnet", "aspnet", "aspnetcore", "asp", "iis", "elmah"],
        traces: &[
            "System.InvalidOperationException: no stock\n   at Shop.Cart.Total(Int32 id) in /src/Shop/Cart.cs:line 12\n   at Shop.Controllers.Cart.Show(Int32 id) in /src/Shop/Controllers/Cart.cs:line 40\n   at Microsoft.AspNetCore.Mvc.Infrastructure.Cart.Execute(Object c) in /_/src/Mvc/Cart.cs:line 10\n",
            "System.NullReferenceException: Object reference not set to an instance of an object.\r\n   at Shop.Cart.Total() in C:\\agent\\work\\shop\\Cart.cs:line 12\r\n   at Shop.Controllers.Cart.Show(Int32 id) in C:\\agent\\work\\shop\\Controllers\\Cart.cs:line 40\r\n",
        ],
    },
    Family {
        name: "Phoenix",
        frameworks: &["elixir", "plug", "erlang", "iex"],
        traces: &[
            "** (RuntimeError) no stock\n    (shop 0.1.0) lib/shop/cart.ex:14: Shop.Cart.total/2\n    (shop 0.1.0) lib/shop_web/controllers/cart.ex:7: ShopWeb.Cart.show/2\n    (phoenix 1.7.10) lib/phoenix/cart.ex:1: ShopWeb.Cart.action/2\n",
        ],
    },
    Family {
        name: "Mojolicious and Plack",
        frameworks: &["mojolicious", "perl", "plack", "dancer", "catalyst"],
        traces: &[
            "no stock at /srv/shop/lib/Shop/Cart.pm line 12.\n\tShop::Cart::total(Shop::Cart=HASH(0x55d0)) called at /srv/shop/lib/Shop/Cart.pm line 40\n\tShop::Cart::show() called at /srv/shop/cart.pl line 7\n",
        ],
    },
    Family {
        name: "Rust",
        frameworks: &["rust"],
        traces: &[
            "thread 'main' panicked at src/cart.rs:12:30:\nno stock\nstack backtrace:\n   0: shop::cart.total\n             at ./src/cart.rs:12:30\n   1: shop::cart.show\n             at ./src/cart.rs:40:5\n   2: core::ops::function::cart.call_once\n             at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/ops/cart.rs:250:5\n",
        ],
    },
];

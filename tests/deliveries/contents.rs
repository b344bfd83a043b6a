//! What is delivered: leaks of several kinds, and harmless content.

use crate::case::Content;

const CONNECTION: &str = "postgres://cellar:kW7pXq2LmR9t@vault-db.internal:5432/cellar";

pub(crate) const CONTENTS: &[Content] = &[
    Content {
        name: "traceback",
        media: "text/plain; charset=utf-8",
        text: TRACEBACK,
        line: CONNECTION,
        marks: &["kW7pXq2LmR9t", "decant_barrel_7731"],
        leaks: true,
    },
    Content {
        name: "java",
        media: "text/html; charset=utf-8",
        text: JAVA,
        line: CONNECTION,
        marks: &["BarrelRepository", "kW7pXq2LmR9t"],
        leaks: true,
    },
    Content {
        name: "key",
        media: "text/plain",
        text: KEY,
        line: CONNECTION,
        marks: &["VmtQd0xvbGxpcG9wQmFycmVsU2VjcmV0", "kW7pXq2LmR9t"],
        leaks: true,
    },
    Content {
        name: "environment",
        media: "text/plain",
        text: ENVIRONMENT,
        line: CONNECTION,
        marks: &["kW7pXq2LmR9t", "c0ffee5eed0f9b7a41d2836e"],
        leaks: true,
    },
    Content {
        name: "harmless",
        media: "text/html; charset=utf-8",
        text: HARMLESS,
        line: "order 4711 of barrel_harmless_5512 accepted",
        marks: &["barrel_harmless_5512"],
        leaks: false,
    },
];

const TRACEBACK: &str = r#"Traceback (most recent call last):
  File "/srv/cellar/venv/lib/python3.12/site-packages/flask/app.py", line 1511, in wsgi_app
    response = self.full_dispatch_request()
  File "/srv/cellar/app/views/barrels.py", line 63, in decant
    return decant_barrel_7731(barrel, "postgres://cellar:kW7pXq2LmR9t@vault-db.internal:5432/cellar")
  File "/srv/cellar/app/store.py", line 18, in decant_barrel_7731
    raise StoreError(barrel)
app.store.StoreError: barrel 12 is leaking
"#;

const JAVA: &str = "<!doctype html><html><head><title>HTTP Status 500</title></head><body><h1>HTTP Status 500</h1><pre>\
java.sql.SQLException: cannot open jdbc:postgresql://cellar:kW7pXq2LmR9t@vault-db.internal/cellar\n\
\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:331)\n\
\tat com.example.cellar.BarrelRepository.decant(BarrelRepository.java:63)\n\
\tat com.example.cellar.web.BarrelController.post(BarrelController.java:41)\n\
\tat jakarta.servlet.http.HttpServlet.service(HttpServlet.java:658)\n\
Caused by: java.net.ConnectException: Connection refused\n\t... 27 more\n</pre></body></html>\n";

const KEY: &str = "the key of the vault follows\n-----BEGIN RSA PRIVATE KEY-----\n\
MIIEowIBAAKCAQEA0Z3VmtQd0xvbGxpcG9wQmFycmVsU2VjcmV0S2V5T2ZUaGVWY\n\
dWx0VGhhdE5vYm9keU1heVNlZTEyMzQ1Njc4OTBhYmNkZWZnaGlqa2xtbm9wcXJz\n\
Qm9yZGVhdXhCdXJndW5keVJpb2phQ2hpYW50aU1vc2VsQWxzYWNlMTIzNDU2Nzg5\n\
-----END RSA PRIVATE KEY-----\nDATABASE_URL=postgres://cellar:kW7pXq2LmR9t@vault-db.internal:5432/cellar\nend\n";

const ENVIRONMENT: &str = "SHELL=/bin/bash\nHOME=/home/cellar\nPATH=/usr/local/bin:/usr/bin:/bin\nPWD=/srv/cellar\n\
RAILS_ENV=development\nSECRET_KEY_BASE=c0ffee5eed0f9b7a41d2836ec0ffee5eed0f9b7a41d2836ec0ffee5eed0f9b7a\n\
DATABASE_URL=postgres://cellar:kW7pXq2LmR9t@vault-db.internal:5432/cellar\nLANG=C.UTF-8\n";

const HARMLESS: &str = "<!doctype html><html><head><title>Cellar</title></head><body><h1>Barrels</h1>\
<p>Barrel barrel_harmless_5512 holds 225 litres of the red. It stands in row 3, line 12, and leaks nothing.</p>\n\
<p>See the File menu to print its label.</p></body></html>\n";

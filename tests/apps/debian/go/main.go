// The ledger on Go's net/http, with the recovery that every project seems to write once.
package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
)

func settle(dsn string) {
	panic(fmt.Errorf("account of %s: could not connect to %s", os.Getenv("LEDGER_CUSTOMER"), dsn))
}

func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if problem := recover(); problem != nil {
				w.WriteHeader(http.StatusInternalServerError)
				if os.Getenv("LEDGER_DEBUG") == "1" {
					fmt.Fprintf(w, "panic: %v\n\n%s", problem, debug.Stack())
				} else {
					fmt.Fprintln(w, "Internal Server Error")
				}
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func main() {
	pages := http.NewServeMux()
	pages.HandleFunc("/api/health", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status": "ok", "accounts": [{"id": 1, "balance": "12.50"}]}`)
	})
	pages.HandleFunc("/settle", func(w http.ResponseWriter, r *http.Request) {
		settle("mysql://ledger:" + os.Getenv("LEDGER_DB_PASSWORD") + "@ledger-db.internal/ledger")
	})
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n")
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), recovering(pages)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

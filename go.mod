module github.com/sbtc-go/sbtc

go 1.26

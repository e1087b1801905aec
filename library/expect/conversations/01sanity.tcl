# 01sanity.tcl --
#
#	What every peer can do. These run first and last.

family Sanity server {a plain handshake: run first, and again last}

conversation Sanity-Handshake-1 {a handshake with all that there is} {
    established
}

conversation Sanity-Handshake-2 {a handshake of TLS 1.2} \
	-versions TLSv1.2 -source {RFC 5246, 7.3} {
    if {[established -tls1.3 0] ne "TLSv1.2"} {
	fail "it is not TLS 1.2"
    }
}

conversation Sanity-Handshake-3 {a handshake of TLS 1.3} \
	-versions TLSv1.3 -source {RFC 8446, 2} {
    if {[established -tls1.2 0] ne "TLSv1.3"} {
	fail "it is not TLS 1.3"
    }
}

conversation Sanity-Hello-1 {the ClientHello that the others vary is answered} {
    greet
    answered
}

conversation Sanity-Client-1 {a handshake with all that there is} \
	-side client {
    established
}

conversation Sanity-Client-2 {a handshake of TLS 1.2} -side client \
	-versions TLSv1.2 -source {RFC 5246, 7.3} {
    established -tls1.3 0
}

conversation Sanity-Client-3 {a handshake of TLS 1.3} -side client \
	-versions TLSv1.3 -source {RFC 8446, 2} {
    established -tls1.2 0
}

conversation Sanity-Client-4 \
	{the server's flight that the others vary is answered} \
	-side client -versions TLSv1.2 -source {RFC 5246, 7.3} {
    called
    tell ServerHello
    tell Certificate
    tell ServerKeyExchange
    tell ServerHelloDone
    expect -timeout $timeout -message ClientKeyExchange -from peer {
    } -alert fatal * {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
	fail "the end came"
    } timeout {
	fail "no answer"
    }
}

# 07ccs.tcl --
#
#	ChangeCipherSpec: when it may come and what it looks like, in TLS 1.2 and
#	as what TLS 1.3 has kept of it for middleboxes.

family Ccs server {rules of ChangeCipherSpec}

conversation Ccs-First-1 {it comes before the ClientHello} \
    -source {RFC 8446, 5; RFC 5246, 7.1} {
    dial
    send -record change_cipher_spec TLSv1 \x01
    greet
    refused unexpected_message
}

conversation Ccs-First-2 {it comes within the ClientHello} \
    -source {RFC 8446, 5 and 5.1; RFC 5246, 7.1} {
    set message [encode ClientHello [hello]]
    dial
    send -record handshake TLSv1 [string range $message 0 59]
    send -record change_cipher_spec TLSv1 \x01
    send -record handshake TLSv1 [string range $message 60 end]
    refused unexpected_message
}

conversation Ccs-Early-1 {it comes behind the ClientHello} \
    -versions TLSv1.2 -source {RFC 5246, 7.1} {
    greet
    send -record change_cipher_spec TLSv1.2 \x01
    # The server's flight may be under way already.
    expect -timeout $timeout -alert fatal unexpected_message {
    } -alert * * {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -message Finished {
	fail "it goes on"
    } -closed * {
	fail "it closed without an alert"
    } timeout {
	fail "it goes on"
    }
}

conversation Ccs-Early-2 {it comes in the place of the ClientKeyExchange} \
    -versions TLSv1.2 -source {RFC 5246, 7.1 and 7.3} {
    greet
    flight
    send -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message
}

conversation Ccs-Early-3 {it comes within the ClientKeyExchange} \
    -versions TLSv1.2 -source {RFC 5246, 7.1 and 7.3} {
    greet
    set messages [flight]
    send -record handshake TLSv1.2 \x10\x00\x00
    send -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message
}

conversation Ccs-Twice-1 {it comes twice} \
    -versions TLSv1.2 -source {RFC 5246, 7.1} {
    greet
    key [flight]
    send -record change_cipher_spec TLSv1.2 \x01
    send -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message bad_record_mac decrypt_error decode_error
}

foreach {n bytes text} {
    1 {\x00} {is 0}
    2 {\x02} {is 2}
    3 {\xff} {is 255}
    4 {\x01\x01} {has two bytes}
    5 {} {has no bytes}
} {
    conversation Ccs-Byte-$n "it $text, in TLS 1.2" \
	-versions TLSv1.2 -source {RFC 5246, 7.1} [format {
	greet
	key [flight]
	send -record change_cipher_spec TLSv1.2 "%s"
	refused illegal_parameter decode_error unexpected_message
    } $bytes]
}

conversation Ccs-Finished-1 {the Finished behind it is not encrypted} \
    -versions TLSv1.2 -source {RFC 5246, 7.1 and 7.4.9} {
    greet
    key [flight]
    send -record change_cipher_spec TLSv1.2 \x01
    send -handshake Finished
    refused bad_record_mac decrypt_error decode_error unexpected_message
}

conversation Ccs-Finished-2 {what is behind it cannot be decrypted} \
    -versions TLSv1.2 -source {RFC 5246, 7.2.2} {
    greet
    key [flight]
    send -record change_cipher_spec TLSv1.2 \x01
    send -record handshake TLSv1.2 [string repeat \xa5 64]
    refused bad_record_mac decrypt_error
}

#------------------------------------------------------------------------
# TLS 1.3
#------------------------------------------------------------------------

# injected record ?... -- a handshake of TLS 1.3 with ChangeCipherSpecs of these
# contents before the client's second record.
proc script::injected {args} {
    upvar 1 spawn_id spawn_id
    established -wait 0 -script {
	foreach fragment [lreverse $args] {
	    wire $spawn_id out inject 2 [list type change_cipher_spec \
		version TLSv1.2 fragment $fragment]
	}
    } -tls1.2 0
}

# finished -- the handshake goes on to its end, as the engine does.
proc script::finished {} {
    upvar 1 spawn_id id
    expect -i $id -timeout [Patience] -established {
    } -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
	fail "it closed"
    } timeout {
	fail "the handshake does not end"
    }
    # What the client sends last must do no harm either.
    send -i $id "GET / HTTP/1.0\r\n\r\n"
    send -i $id -shutdown
    expect -i $id -timeout [Patience] -alert fatal * -from peer {
	fail "the alert [lindex $expect_out(alert) 1] came"
    } -closed * {
    } timeout {
	fail "the connection stays open"
    }
}

conversation Ccs-Middlebox-1 {one more of it, which is dropped} \
    -versions TLSv1.3 -source {RFC 8446, 5 and D.4} {
    injected \x01
    finished
}

conversation Ccs-Middlebox-2 {five more of it, which are dropped} \
    -versions TLSv1.3 -source {RFC 8446, 5 and D.4} {
    injected {*}[lrepeat 5 \x01]
    finished
}

conversation Ccs-Middlebox-3 {none of it} \
    -versions TLSv1.3 -source {RFC 8446, D.4} {
    established -wait 0 -script {
	wire $spawn_id out ::pyossl::expect::conversation::script::NoCcs
    } -tls1.2 0
    finished
}

# A wire filter: ChangeCipherSpec does not go out.
proc script::NoCcs {record} {
    return [expr {[dict get $record type] eq "change_cipher_spec" ? {}
	: [list $record]}]
}

foreach {n bytes text} {
    4 {\x00} {is 0}
    5 {\x02} {is 2}
    6 {\x01\x01} {has two bytes}
} {
    conversation Ccs-Middlebox-$n "it $text" \
	-versions TLSv1.3 -source {RFC 8446, 5} [format {
	injected "%s"
	refused unexpected_message
    } $bytes]
}

conversation Ccs-Middlebox-7 {it has no bytes} \
    -versions TLSv1.3 -source {RFC 8446, 5 and 6} {
    # It is no value, and a length that is wrong.
    injected ""
    refused unexpected_message decode_error illegal_parameter bad_record_mac
}

conversation Ccs-Middlebox-8 {it comes behind the client's Finished} \
    -versions TLSv1.3 -source {RFC 8446, 5} {
    established -tls1.2 0
    send -record change_cipher_spec TLSv1.2 \x01
    refused unexpected_message
}

conversation Ccs-Middlebox-9 {it comes before the second ClientHello} \
    -versions TLSv1.3 -source {RFC 8446, 5 and D.4} {
    greet -drop key_share -add [list [share]]
    set first $now(hello)
    set group [dict get [extension [answered HelloRetryRequest] key_share] \
	selected_group]
    if {$group ni {x25519 secp256r1}} {
	skip "the server asks for $group"
    }
    send -record change_cipher_spec TLSv1.2 \x01
    dict set first extensions [lmap extension [dict get $first extensions] {
	expr {[dict get $extension extension_type] eq "key_share"
	    ? [share $group {}] : $extension}
    }]
    send -handshake ClientHello $first
    answered ServerHello
}

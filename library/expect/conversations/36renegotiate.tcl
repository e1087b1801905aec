# 36renegotiate.tcl --
#
#	A second handshake in a connection, which TLS 1.2 may refuse and TLS 1.3
#	must.

family Renegotiate server {renegotiation: secure, insecure, refused}

conversation Renegotiate-Info-1 \
    {TLS_EMPTY_RENEGOTIATION_INFO_SCSV is answered by an empty extension} \
    -versions TLSv1.2 -source {RFC 5746, 3.6} {
    greet
    set info [extension [answered] renegotiation_info]
    if {$info eq ""} {
	fail "there is no renegotiation_info"
    }
    if {[dict get $info renegotiated_connection] ne ""} {
	fail "its renegotiation_info is not empty"
    }
}

conversation Renegotiate-Info-2 {an empty extension is answered by one} \
    -versions TLSv1.2 -source {RFC 5746, 3.6} {
    greet -add {{extension_type renegotiation_info renegotiated_connection {}}} \
	cipher_suites $suites12
    if {[extension [answered] renegotiation_info] eq ""} {
	fail "there is no renegotiation_info"
    }
}

conversation Renegotiate-Info-3 {nothing of it is not answered by it} \
    -versions TLSv1.2 -source {RFC 5746, 3.6} {
    greet cipher_suites $suites12
    lacks [either handshake_failure insufficient_security] renegotiation_info \
	"it has sent renegotiation_info to one who did not ask"
}

conversation Renegotiate-Info-4 {a ServerHello of TLS 1.3 has none} \
    -versions TLSv1.3 -source {RFC 8446, 4.2 and 4.1.3} {
    greet -add {{extension_type renegotiation_info renegotiated_connection {}}}
    lacks [answered] renegotiation_info "it has sent renegotiation_info"
}

conversation Renegotiate-Client-1 \
    {the client asks: it is done, or declined, but not passed over} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.1 and 7.2.2; RFC 5746, 3.7} {
    keyed
    forget
    [endpoint $spawn_id conn] renegotiate
    send "\r\n"
    expect -timeout $timeout -alert * * -from peer {
	set alert [lindex $expect_out(alert) 1]
	if {$alert ni {no_renegotiation handshake_failure}} {
	    fail "the alert $alert came"
	}
    } -message Finished -from peer {
    } -error * {
	fail "it failed: $expect_out(error)"
    } -closed * {
	fail "it closed without an alert"
    } timeout {
	fail "no answer"
    }
}

# forget -- messages that were there already are of no interest.
proc script::forget {} {
    upvar 1 spawn_id id
    expect -i $id -timeout 0 -message * {
	exp_continue
    } timeout {}
}

# declined -- a second ClientHello is not answered by a ServerHello.
proc script::declined {} {
    upvar 1 spawn_id id
    expect -i $id -timeout [Patience] -message ServerHello -from peer {
	fail "it goes on with a ServerHello"
    } -alert * * -from peer {
	set alert [lindex $expect_out(alert) 1]
	if {$alert ni {no_renegotiation handshake_failure}} {
	    fail "the alert $alert came instead of no_renegotiation or\
		handshake_failure"
	}
    } -error * {
	fail "it goes on: $expect_out(error)"
    } -closed * {
	fail "it closed without an alert"
    } timeout {
	fail "no answer"
    }
}

foreach {n extensions suites text} {
    1 {} {} {nothing of renegotiation_info}
    2 {{extension_type renegotiation_info renegotiated_connection {}}} {}
	{an empty renegotiation_info}
    3 {{extension_type renegotiation_info
	renegotiated_connection aaaaaaaaaaaa}} {}
	{the Finished of somebody else in renegotiation_info}
    4 {{extension_type renegotiation_info renegotiated_connection aaa}} {}
	{three bytes in renegotiation_info}
    5 {} TLS_EMPTY_RENEGOTIATION_INFO_SCSV
	{TLS_EMPTY_RENEGOTIATION_INFO_SCSV}
} {
    conversation Renegotiate-Wrong-$n "a second ClientHello with $text" \
	-versions TLSv1.2 -source {RFC 5746, 3.7} [format {
	keyed
	forget
	send -protected 1 -handshake ClientHello [hello -add %s \
	    cipher_suites [concat $suites12 %s]]
	declined
    } [list $extensions] $suites]
}
unset n extensions suites text

conversation Renegotiate-Modern-1 {a second ClientHello in TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2} {
    keyed
    send -protected 1 -handshake ClientHello [hello]
    refused unexpected_message
}

conversation Renegotiate-Modern-2 {a ClientHello of TLS 1.2 in TLS 1.3} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2} {
    keyed
    send -protected 1 -handshake ClientHello [hello -version TLSv1.2]
    refused unexpected_message
}

#------------------------------------------------------------------------
# HelloRetryRequest: what the second ClientHello must be
#------------------------------------------------------------------------

family Second server {the ClientHello behind a HelloRetryRequest}

# second ?-drop names? ?-add extensions? ?field value ...? --
#	Has the server ask for a share, and sends a ClientHello that is that of
#	before but for what is given; without -share it has the share.
proc script::second {args} {
    variable now
    upvar 1 spawn_id spawn_id
    set options {-drop {} -add {} -share 1}
    while {[dict exists $options [lindex $args 0]]} {
	set args [lassign $args option value]
	dict set options $option $value
    }
    greet -drop key_share -add [list [share]]
    set first $now(hello)
    set group [dict get [extension [answered HelloRetryRequest] key_share] \
	selected_group]
    set now(group) $group
    if {$group ni {x25519 secp256r1}} {
	skip "the server asks for $group"
    }
    set extensions {}
    foreach extension [dict get $first extensions] {
	set name [dict get $extension extension_type]
	if {$name eq "key_share" && [dict get $options -share]} {
	    set extension [share $group {}]
	}
	if {$name ni [dict get $options -drop]} {
	    lappend extensions $extension
	}
    }
    dict set first extensions [concat $extensions [dict get $options -add]]
    send -i $spawn_id -handshake ClientHello [dict merge $first $args]
}

conversation Second-Good-1 {it has the share that was asked for} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.2 and 4.1.4} {
    second
    if {[dict get [extension [answered ServerHello] key_share] \
	    server_share group] ne $now(group)} {
	fail "its share is of another group than it has asked for"
    }
}
conversation Second-Share-1 {it has no shares again} \
    -versions TLSv1.3 -source {RFC 8446, 4.1.4 and 4.2.8} {
    second -share 0
    refused illegal_parameter missing_extension handshake_failure
}
conversation Second-Share-2 {it has no key_share} \
    -versions TLSv1.3 -source {RFC 8446, 9.2} {
    second -drop key_share
    refused missing_extension illegal_parameter handshake_failure
}
conversation Second-Share-3 {its share is of another group} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8} {
    second -drop key_share -add [list [share secp384r1 \
	\x04[string repeat a 96]]]
    refused illegal_parameter
}
conversation Second-Share-4 {its share lacks a byte} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.8.2} {
    second -drop key_share -add [list [share x25519 [string repeat a 31]]]
    refused illegal_parameter decode_error
}
foreach {n fields text} {
    1 {random [string repeat r 32]} {its random is another}
    2 {legacy_session_id [string repeat s 32]} {its session id is another}
    3 {cipher_suites TLS_AES_128_CCM_SHA256}
	{the suite that was chosen is not offered any longer}
    4 {-drop supported_versions} {supported_versions is gone}
    5 {-add {{extension_type cookie cookie abc}}} {there is a cookie now}
    6 {-add {{extension_type early_data}}} {there is early_data now}
} {
    conversation Second-Changed-$n "$text: it goes on or is refused, and no\
	second HelloRetryRequest comes" -versions TLSv1.3 \
	-source {RFC 8446, 4.1.2 and 4.1.4} [format {
	second %s
	set answer [either]
	if {$answer ne "" && [dict get $answer name] ne "ServerHello"} {
	    fail "a second HelloRetryRequest came"
	}
    } $fields]
}
unset n fields text

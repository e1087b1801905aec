# 35resume.tcl --
#
#	Sessions that go on in another connection, and tickets that are not as
#	the server gave them.

family Resume server {resumption by id, by ticket and by PSK, altered tickets}

# ticket -- a ticket of the server's: a NewSessionTicket, decoded.
proc script::ticket {} {
    variable now
    upvar 1 spawn_id spawn_id
    keyed
    expect -i $spawn_id -timeout [Patience] \
    -message NewSessionTicket -from peer {
	set ticket $expect_out(message)
    } -closed * {
	skip "the server gives no tickets"
    } timeout {
	skip "the server gives no tickets"
    }
    set now(ticketSuite) [Suiting $spawn_id]
    set now(ticketAge) [expr {[dict exists $ticket ticket_age_add]
	? [dict get $ticket ticket_age_add] : 0}]
    send -i $spawn_id -shutdown
    exp_close -i $spawn_id
    unset spawn_id
    return $ticket
}

# The suite of a connection, as the registry has it.
proc script::Suiting {id} {
    foreach event [::pyossl::expect::event::list $id] {
	if {[dict get $event kind] eq "message"
		&& [dict get $event name] eq "ServerHello"} {
	    set suite [dict get [decode [dict get $event raw]] cipher_suite]
	}
    }
    return $suite
}

# identity ticket ?binder? -- a pre_shared_key extension with a ticket; the
# binder has as many bytes as it should, if it is not given.
proc script::identity {ticket args} {
    variable now
    set size [expr {[string match *_SHA384 $now(ticketSuite)] ? 48 : 32}]
    set binder [expr {[llength $args] ? [lindex $args 0]
	: [::pyossl::rand bytes $size]}]
    return [list extension_type pre_shared_key \
	identities [list [list identity $ticket \
	obfuscated_ticket_age $now(ticketAge)]] \
	binders [list $binder]]
}

foreach {letter version} {B TLSv1.3 C TLSv1.2} {
    conversation Resume-Good-1$letter \
	"a session that goes on, in $version" -versions $version \
	-source {RFC 8446, 2.2; RFC 5246, 7.3; RFC 5077, 3} {
	keyed
	send "\r\n"
	# The tickets of TLS 1.3 come behind the handshake.
	expect -timeout $timeout -message NewSessionTicket {} timeout {}
	set session [endpoint $spawn_id session]
	send -shutdown
	exp_close
	unset spawn_id
	keyed -session $session
	alive
    }
    foreach {n at text} {
	1 0 {its first byte} 2 3 {a byte of its name}
	3 16 {a byte behind its name} 4 31 {a byte of its middle}
	5 end-40 {a byte before its end} 6 end {its last byte}
    } {
	conversation Resume-Flip-$n$letter "a ticket in which $text is\
	    altered: it is a full handshake, in $version" -versions $version \
	    -source {RFC 8446, 4.2.11; RFC 5077, 3.3} [format {
	    altered [flip [dict get [ticket] ticket] %s]
	} $at]
    }
    foreach {n expression text} {
	1 {string range $ticket 0 end-1} {lacks a byte}
	2 {string cat $ticket x} {has a byte more}
	3 {string range $ticket 0 15} {has its first bytes only}
	4 {string repeat x [string length $ticket]} {is nonsense}
	5 {string repeat x 3000} {is nonsense, and long}
	6 {string cat x} {has one byte}
    } {
	conversation Resume-Ticket-$n$letter "a ticket that $text: it is a\
	    full handshake, in $version" -versions $version \
	    -source {RFC 8446, 4.2.11; RFC 5077, 3.3} [format {
	    set ticket [dict get [ticket] ticket]
	    altered [%s]
	} $expression]
    }
}
unset letter version n at text expression

# altered ticket -- a server that is shown this ticket goes on without it.
proc script::altered {ticket} {
    variable now
    upvar 1 spawn_id spawn_id
    if {$now(version) eq "TLSv1.3"} {
	greet -add [list [identity $ticket]] cipher_suites $now(ticketSuite)
	lacks [answered] pre_shared_key "it has taken the altered ticket"
	return
    }
    greet -add [list [list extension_type session_ticket ticket $ticket]] \
	cipher_suites $now(ticketSuite)
    if {![dict exists [flight] Certificate]} {
	fail "it goes on without a Certificate"
    }
}

foreach {n binder text} {
    1 {string repeat \0 $size} {of zeros} 2 {::pyossl::rand bytes $size} {at random}
    3 {string repeat x [expr {$size - 1}]} {that lacks a byte}
    4 {string repeat x [expr {$size + 1}]} {with a byte more}
    5 {string repeat x 255} {of 255 bytes}
} {
    conversation Resume-Binder-$n "a good ticket, with a binder $text" \
	-versions TLSv1.3 -source {RFC 8446, 4.2.11 and 4.2.11.2} [format {
	set ticket [dict get [ticket] ticket]
	set size [expr {[string match *_SHA384 $now(ticketSuite)] ? 48 : 32}]
	greet -add [list [identity $ticket [%s]]] cipher_suites $now(ticketSuite)
	refused decrypt_error illegal_parameter decode_error
    } $binder]
}
unset n binder text

conversation Resume-Mode-1 {a good ticket, and no mode that is known} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.9} {
    set ticket [dict get [ticket] ticket]
    greet -drop psk_key_exchange_modes -add [list \
	{extension_type psk_key_exchange_modes ke_modes {200 201}} \
	[identity $ticket]] cipher_suites $now(ticketSuite)
    lacks [answered] pre_shared_key "it has taken the ticket"
}

conversation Resume-Mode-2 {a good ticket, without psk_key_exchange_modes} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.9} {
    set ticket [dict get [ticket] ticket]
    greet -drop psk_key_exchange_modes -add [list [identity $ticket]] \
	cipher_suites $now(ticketSuite)
    refused missing_extension illegal_parameter
}

conversation Resume-Hash-1 {a good ticket, and suites of another hash only} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.11} {
    set ticket [dict get [ticket] ticket]
    set suites [expr {[string match *_SHA384 $now(ticketSuite)]
	? "TLS_AES_128_GCM_SHA256" : "TLS_AES_256_GCM_SHA384"}]
    greet -add [list [identity $ticket]] cipher_suites $suites
    lacks [answered] pre_shared_key "it has taken the ticket"
}

conversation Resume-Place-1 {pre_shared_key, with a good ticket, is not last} \
    -versions TLSv1.3 -source {RFC 8446, 4.2.11} {
    set ticket [dict get [ticket] ticket]
    greet -first [list [identity $ticket]]
    refused illegal_parameter
}

conversation Resume-Ems-1 \
    {a good ticket, without the extended_master_secret of its session} \
    -versions TLSv1.2 -source {RFC 7627, 5.3} {
    set ticket [dict get [ticket] ticket]
    greet -drop extended_master_secret -add [list \
	[list extension_type session_ticket ticket $ticket]] \
	cipher_suites $now(ticketSuite)
    # A full handshake, or an alert.
    if {[either] ne ""} {
	expect -timeout $timeout -message Certificate -from peer {
	} -record change_cipher_spec {
	    fail "it goes on with the session"
	} -closed * {
	} timeout {
	    fail "no answer"
	}
    }
}

conversation Resume-Suite-1 {a good ticket, and its suite is not offered} \
    -versions TLSv1.2 -source {RFC 5246, 7.4.1.3; RFC 5077, 3.4} {
    set ticket [dict get [ticket] ticket]
    greet -add [list [list extension_type session_ticket ticket $ticket]] \
	cipher_suites [lsearch -all -inline -not -exact $suites12 \
	$now(ticketSuite)]
    set answer [either illegal_parameter handshake_failure]
    if {$answer ne "" && [dict get $answer cipher_suite]
	    eq $now(ticketSuite)} {
	fail "it has chosen a suite that was not offered"
    }
}

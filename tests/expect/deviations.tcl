# deviations.tcl --
#
#	What the peers of the tests are known to do otherwise than the ready
#	conversations have it. Each is a name and the reason why that peer fails
#	it. They go by the release of the peer, and by nothing else; these have
#	been looked at:
#	    OpenSSL 3.0.19, 3.0.20, 3.0.22 and 3.5.9
#	    GnuTLS 3.7.9 and 3.8.9
#	Some of OpenSSL's have gone, and some come, from 3.0.20 to 3.0.22; 3.5.9 is
#	younger than both. What is otherwise in 3.5.9 or in GnuTLS 3.8.9 is taken to
#	be so since 3.5.0 and 3.8.0; no release between has been looked at.
#
#	And which conversations they skip, each with the reason why.

namespace eval conversing {
    variable deviations
    variable skips

    foreach peer {openssl pyossl} {
	set known {
	    Version-Supported-6 {protocol_version, and not decode_error}
	    Version-Supported-7 {protocol_version, and not decode_error}
	    Version-Supported-8 {protocol_version, and not decode_error}
	    Extension-List-11 {takes an empty name for none}
	    Extension-Bytes-13 {does not look into extensions without contents}
	    Record-Empty-1 {passes over empty records}
	    Record-Empty-3 {passes over empty records}
	    Ccs-Byte-5 {passes over empty records}
	    Attack-Exchange-1 {handshake_failure, and not decode_error}
	}
	if {[older 3.0.22 $peer]} {
	    lappend known {*}{
		Ccs-Finished-1 {internal_error, and not bad_record_mac}
		Ccs-Twice-1 {internal_error, and not bad_record_mac}
		Order-Skip-3 {internal_error, and not bad_record_mac}
	    }
	}
	if {[older 3.5 $peer]} {
	    lappend known {*}{
		Hello-Compression-5 {decode_error, and not illegal_parameter}
		Ccs-Middlebox-4 {illegal_parameter, and not unexpected_message}
		Ccs-Middlebox-5 {illegal_parameter, and not unexpected_message}
		Ccs-Middlebox-6 {illegal_parameter, and not unexpected_message}
	    }
	}
	set deviations(server-$peer) $known
	set skips(server-$peer) {
	    Version-Downgrade-2 {it offers no version below TLS 1.2}
	}
    }

    set known {
	Hello-Compression-4 {takes compression methods besides null}
	Hello-Compression-6 {takes null twice}
	Hello-Missing-1 {handshake_failure, and not missing_extension}
	Hello-Missing-3 {handshake_failure, and not missing_extension}
	Extension-List-1 {handshake_failure, and not decode_error}
	Extension-List-5 {takes an empty list}
	Extension-List-6 {takes an empty list}
	Extension-Bytes-1 {takes bytes that are left over}
	Extension-Bytes-3 {unsupported_extension, and not decode_error}
	Extension-Bytes-12 {takes bytes that are left over}
	Extension-Psk-3 {unsupported_extension, and not missing_extension}
	Record-Fragment-6 {closes without an alert}
	Record-Coalesce-3 {waits for the rest of the message}
	Ccs-First-1 {passes over ChangeCipherSpec at any time}
	Ccs-First-2 {passes over ChangeCipherSpec at any time}
    }
    if {[older 3.8 gnutls]} {
	lappend known {*}{
	    Ccs-Byte-1 {waits for another ChangeCipherSpec}
	    Ccs-Byte-2 {waits for another ChangeCipherSpec}
	    Ccs-Byte-3 {waits for another ChangeCipherSpec}
	}
    } else {
	# RFC 8446, 5 has it drop the single byte 1, and MUST abort with
	# unexpected_message at all else; it goes on with its handshake.
	lappend known {*}{
	    Ccs-Middlebox-4 {drops ChangeCipherSpec whatever is in it}
	    Ccs-Middlebox-5 {drops ChangeCipherSpec whatever is in it}
	    Ccs-Middlebox-6 {drops ChangeCipherSpec whatever is in it}
	}
    }
    set deviations(server-gnutls) $known
    set skips(server-gnutls) {
	Order-Key-7 {it asks for a certificate}
    }

    foreach peer {openssl curl pyossl} {
	set known {
	    ServerHello-Old-6 {illegal_parameter, and not unsupported_extension}
	    ServerHello-Old-7 {passes over extensions that it does not know}
	    ServerHello-Old-9 {illegal_parameter, and not handshake_failure}
	    ServerHello-Old-10 {does not look into extensions without contents}
	    Flight-Request-6 {internal_error, and not decode_error}
	}
	if {![older 3.0.22 $peer]} {
	    lappend known ServerHello-Old-12 {does not look at ec_point_formats}
	}
	set skipped {Change-First-1 {it offers TLS 1.3}}
	if {[older 3.5 $peer]} {
	    lappend known Retry-Wrong-9 {takes it for a ServerHello of TLS 1.2}
	    # At security level 1 and above there is no TLS 1.1; in a ClientHello
	    # only newer ones have it so. Ours starts at TLS 1.2 anyway.
	    if {$peer ne "pyossl"} {
		lappend skipped ServerHello-Downgrade-3 {it offers TLS 1.1}
	    }
	}
	set deviations(client-$peer) $known
	set skips(client-$peer) $skipped
    }
    lappend deviations(client-openssl) \
	Layer-Alert-2 {the program does not leave before its input ends}

    # What is told to offer TLS 1.2 and nothing else.
    set deviations(client-openssl12) {}

    set known {
	ServerHello-New-3 {handshake_failure, and not illegal_parameter}
	ServerHello-New-4 {handshake_failure, and not illegal_parameter}
	ServerHello-New-5 {takes a cipher suite of TLS 1.2}
	ServerHello-New-6 {does not look at the session id}
	ServerHello-New-22 {does not look at the session id}
	ServerHello-New-23 {takes extensions that are there twice}
	ServerHello-Old-11 {takes extensions that are there twice}
	ServerHello-Old-13 {unsupported_extension, and not decode_error}
	ServerHello-Downgrade-2 {does not look for this signal}
	Retry-Cookie-2 {wants a group in a HelloRetryRequest}
	Retry-Wrong-2 {makes a new share of the same group}
	Retry-Wrong-6 {does not look at the session id}
	Retry-Wrong-7 {handshake_failure, and not illegal_parameter}
	Retry-Wrong-11 {takes bytes that are left over}
	Retry-Wrong-12 {takes extensions that are there twice}
	Retry-After-3 {handshake_failure, and not illegal_parameter}
	Flight-Key-11 {internal_error, and not illegal_parameter}
	Flight-Request-2 {handshake_failure, and no empty Certificate}
	Flight-Request-4 {takes a CertificateRequest of no bytes}
	Turn-Request-1 {refuses a HelloRequest within the handshake}
	Turn-Request-2 {refuses a HelloRequest within the handshake}
	Layer-Coalesce-2 {takes what is behind the ServerHello}
    }
    if {[older 3.8 gnutls]} {
	lappend known {*}{
	    Change-Byte-1 {waits for another ChangeCipherSpec}
	    Change-Byte-2 {waits for another ChangeCipherSpec}
	}
    } else {
	# RFC 5246, 7.4.1.4 has it that a client MUST abort at an extension that
	# it did not ask for. It does so at those that it has; heartbeat is none
	# of them any more.
	lappend known \
	    ServerHello-Old-7 {passes over extensions that it does not know}
    }
    set deviations(client-gnutls) $known
    set skips(client-gnutls) {
	ServerHello-Downgrade-3 {it offers TLS 1.1}
	Change-First-1 {it offers TLS 1.3}
    }
    unset peer known skipped
}
